"""The child process that reads the journal: JSON lines in, JSON lines out.

A file of the journal that is cut while libsystemd has it mapped kills the process that reads it
(SIGBUS), a spoilt one may make it abort, and a failing disk holds it for as long as it likes. A
child can be killed and started again. `journal_child.py ROOT LIMIT` answers requests
`{"id", "call", ...}` with `{"id", "body"}` or `{"id", "error", "message"}`, and says in `left_out`
once which files it left out; it ends with its standard input, and when nobody has asked for a
while.
"""

import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

# It runs as a script, so that it starts without the service's heavy parts.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from adapters.journal_files import JournalDenied
from adapters.journal_library import JournalFailed, LibraryMissing
from adapters.journal_lines import Line, Plain
from adapters.journal_questions import question_of
from adapters.journal_reader import JournalReader
from adapters.journal_unit_table import JournalUnitTable
from domain.host_paths import HostPaths
from domain.services.line_filters import Origin

IDLE_SECONDS = 60.0
"""Then it ends and gives back the memory that the journal's files are mapped into."""

Call = Callable[[Mapping[str, Plain]], Plain]


def main() -> None:
    """Serves until the standard input ends, or nobody asks any more."""
    root, limit = sys.argv[1:]
    # The service ends this process by closing the pipe; a Ctrl-C at its terminal is not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # libsystemd keeps each file of the journal open, and there may be thousands.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reader = JournalReader(HostPaths(Path(root)))
    calls = calls_of(reader)
    with suppress(BrokenPipeError):
        for line in _lines():
            with _ending_in(2 * float(limit)):
                said = answer(calls, json.loads(line))
            _say({**said, "left_out": list[Plain](reader.take_left_out())})


def calls_of(reader: JournalReader) -> dict[str, Call]:
    """Returns what can be called."""
    table = JournalUnitTable(reader)

    def read(request: Line) -> Plain:
        found = reader.read(question_of(request))
        return {"lines": list[Plain](found.lines), "resume": found.resume, "found": found.found}

    def count(request: Line) -> Plain:
        return reader.count(str(request["unit"]), Origin(str(request["origin"])))

    def locate(request: Line) -> Plain:
        return reader.locate(str(request["unit"]), int(str(request["number"])))

    return {
        "read": read,
        "count": count,
        "locate": locate,
        "units": lambda _: [list[Plain](row) for row in table.rows()],
        "end": lambda _: reader.end(),
    }


def answer(calls: Mapping[str, Call], request: Line) -> Line:
    """Returns the answer to one request."""
    said: dict[str, Plain] = {"id": request["id"]}
    try:
        said["body"] = calls[str(request["call"])](request)
    except LibraryMissing as error:
        said |= {"error": "missing", "message": str(error)}
    except JournalDenied as error:
        said |= {"error": "denied", "message": str(error)}
    except JournalFailed as error:
        said |= {"error": "failed", "message": str(error.strerror)}
    return said


def _lines() -> Iterator[bytes]:
    waiting = b""
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        read = os.read(sys.stdin.fileno(), 1 << 16)
        *whole, waiting = (waiting + read).split(b"\n")
        yield from whole
        if not read:
            return


@contextmanager
def _ending_in(seconds: float) -> Iterator[None]:
    """Ends this process when the block takes longer: a service that lives has killed it by then,
    and one that was itself killed leaves no child behind on a hung disk."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _say(line: Line) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
