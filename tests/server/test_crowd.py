"""Many connections: who waits gives way to a newcomer, who is served does not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.crowd import RESERVE
from tests.server.toy_app import REPOSITORY, Answer, Toy, quiet_service

POST = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
PROGRAM = (
    "import resource; from server.crowd import most_connections; print(most_connections(8192), "
    "resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A service with three places."""
    with quiet_service(tmp_path_factory.mktemp("root"), limits={"connections": 3}) as found:
        yield found


def test_sockets_that_say_nothing_keep_nobody_out(small: Toy) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(small.connect()) for _ in range(5)]
        for number in range(3):
            with small.connect() as honest:
                honest.send(GET % b"/%d" % number)
                assert honest.answer().status == 200
        assert [one.rest() for one in silent[:2]] == [b"", b""]


def test_who_waits_longest_goes_first(small: Toy) -> None:
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(small.connect()) for _ in range(3))
        for one in (third, first, second):
            one.send(GET % b"/")
            assert one.answer().status == 200
        newest = stack.enter_context(small.connect())
        newest.send(GET % b"/")
        assert newest.answer().status == 200
        assert third.rest() == b""
        first.send(GET % b"/")
        assert first.answer().status == 200


def test_who_is_served_keeps_the_place(small: Toy) -> None:
    with ExitStack() as stack:
        served = [stack.enter_context(small.connect()) for _ in range(3)]
        for one in served:
            one.send(POST)
            assert one.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        refused = Answer.read(stack.enter_context(small.connect()).rest())
        assert (refused.status, refused.facts["error_code"]) == (503, "TOO_MANY_CONNECTIONS")
        for one in served:
            one.send(b"hello")
            assert one.answer().facts["size"] == 5


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("ulimit -Sn 256; ulimit -Hn 9000", (8192, 9000)),
        ("ulimit -n 1024", (1024 - RESERVE, 1024)),
        ("ulimit -n 100", (64, 100)),
    ],
)
def test_the_soft_limit_of_files_is_raised_and_some_are_left_for_the_rest(
    limits: str, expected: tuple[int, int]
) -> None:
    command = ["sh", "-c", f'{limits}; exec "$0" -c "$1"', sys.executable, PROGRAM]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert tuple(map(int, done.stdout.split())) == expected
