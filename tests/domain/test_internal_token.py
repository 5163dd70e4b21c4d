"""The internal token: for the station's scripts alone (contract devices section 6.9)."""

import re
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from domain.internal_token import InternalCallRefused, InternalToken, TokenNotWritten


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run/rpi-sb-provisioner/internal.token"


@pytest.fixture
async def token(tmp_path: Path) -> InternalToken:
    made = InternalToken(HostPaths(tmp_path))
    await made.keep()
    return made


async def test_the_file_has_the_contracts_form_and_is_private(
    token: InternalToken, file: Path
) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", file.read_text())
    modes = [path.stat().st_mode & 0o777 for path in (file, file.parent)]
    assert modes == [0o600, 0o700]
    assert [path.name for path in file.parent.iterdir()] == ["internal.token"]


async def test_each_start_has_another(token: InternalToken, file: Path, tmp_path: Path) -> None:
    before = file.read_text()
    await InternalToken(HostPaths(tmp_path)).keep()
    assert file.read_text() != before


async def test_a_file_that_was_lost_or_changed_is_written_again(
    token: InternalToken, file: Path
) -> None:
    whole, identity = file.read_text(), file.stat().st_ino
    await token.keep()
    assert file.stat().st_ino == identity
    await InternalToken(HostPaths(file.parents[2])).keep_again()
    assert file.read_text() == whole
    for spoil in (file.unlink, lambda: file.write_text("x"), lambda: file.chmod(0o644)):
        spoil()
        await token.keep_again()
        assert (file.read_text(), file.stat().st_mode & 0o777) == (whole, 0o600)


async def test_a_link_in_its_place_is_replaced(
    token: InternalToken, file: Path, tmp_path: Path
) -> None:
    whole = file.read_text()
    target = tmp_path / "run/rpi-sb-provisioner/elsewhere"
    target.write_text("precious")
    file.unlink()
    file.symlink_to("elsewhere")
    await token.keep()
    assert (target.read_text(), file.read_text()) == ("precious", whole)
    assert not file.is_symlink()


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_with_the_token_is_let_in(
    token: InternalToken, file: Path, peer: str
) -> None:
    token.check(peer=peer, token=file.read_text())


@pytest.mark.parametrize(
    "peer", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", "localhost", "127.0.0.1, 10.0.0.1"]
)
async def test_another_machine_is_refused_with_the_right_token(
    token: InternalToken, file: Path, peer: str
) -> None:
    with pytest.raises(InternalCallRefused):
        token.check(peer=peer, token=file.read_text())


@pytest.mark.parametrize("shown", ["", "0" * 64, "x", "é", "0" * 10_000])
async def test_another_token_is_refused_without_a_word_about_it(
    token: InternalToken, shown: str
) -> None:
    with pytest.raises(InternalCallRefused) as caught:
        token.check(peer="127.0.0.1", token=shown)
    assert (caught.value.code, caught.value.detail) == ("NOT_FOUND", "")


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    token = InternalToken(HostPaths(tmp_path))
    await token.probe()
    with pytest.raises(TokenNotWritten, match="/run/rpi-sb-provisioner") as caught:
        await token.keep()
    with pytest.raises(TokenNotWritten):
        await token.probe()
    assert str(tmp_path) not in caught.value.message


def test_the_token_is_in_no_repr(tmp_path: Path) -> None:
    token = InternalToken(HostPaths(tmp_path))
    assert token._token not in repr(token)
