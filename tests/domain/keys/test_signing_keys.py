import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from domain.configuration.variables import ConfigValueRefused
from domain.errors import ProvisionerError
from domain.events import Published
from domain.keys.firmware_crypto import DeviceKeyMissing, FirmwareCryptoUnavailable
from domain.keys.key_files import KeyFileMissing
from domain.keys.key_refusals import KeyActive, KeyFileTooLarge, KeyLabelInvalid, KeyUnfit
from domain.keys.key_registry import SigningKeysChanged
from domain.keys.names import KeyNameInvalid, KeyTypeInvalid
from domain.keys.pem import LARGEST_KEY, KeyFormatInvalid
from domain.keys.registry import KeyKind, KeyNotFound, RegistryUnreadable, new_key
from domain.keys.registry_file import RegistryNotWritten
from domain.keys.reports import KeyReport, rsa_report
from domain.keys.signing_keys import Registered
from domain.keys.wrapping import SecretNotUnwrapped, is_wrapped
from tests.domain.keys.samples import ec_pem, public_pem, rsa_key, rsa_pem
from tests.domain.keys.station import KEYS, NOW, KeyStation
from tests.fakes.firmware_crypto import FakeFirmwareCrypto
from tests.fakes.tokens import NoTokenKeys

URI = "pkcs11:token=fleet;object=boot;type=private"


@pytest.fixture
def station(tmp_path: Path) -> KeyStation:
    return KeyStation(tmp_path)


async def upload(
    station: KeyStation,
    name: str = "first.pem",
    content: bytes | None = None,
    *,
    activate: bool = True,
) -> Registered:
    given = rsa_pem() if content is None else content
    return await station.keys.upload(name, given, activate=activate, note=station.notes)


async def test_an_uploaded_key_is_wrapped_registered_and_active(station: KeyStation) -> None:
    done = await upload(station)
    path = f"{KEYS}/first.pem"
    assert (done.activated, done.key.path, done.key.label) == (True, path, "first.pem")
    assert is_wrapped(station.content(path))
    assert station.wrapping.unwrap(station.content(path)) == rsa_pem()
    assert (station.mode(path), station.mode(KEYS)) == (0o400, 0o700)
    assert station.selected == (path, "")
    stored = station.stored
    assert stored["activeKeyId"] == done.key.id == stored["keys"][0]["id"]
    assert (stored["keys"][0]["wrapped"], stored["keys"][0]["addedAt"]) == (
        True,
        "2026-08-01T12:00:00Z",
    )
    operations = [row[0] for row in station.notes.rows]
    assert operations == ["UPLOAD_KEY", "WRAP_KEY", "WRITE", "REGISTER_KEY"]


async def test_nothing_is_overwritten(station: KeyStation) -> None:
    paths = [(await upload(station, content=rsa_pem(n))).key.path for n in (0, 1, 0)]
    assert paths == [f"{KEYS}/first.pem", f"{KEYS}/first-2.pem", f"{KEYS}/first-3.pem"]
    opened = [station.files.open(path).key.report.fingerprint for path in paths]
    assert opened[0] == opened[2] != opened[1]
    assert station.selected[0] == paths[2]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("../../etc/x.pem", "x.pem"),
        ("C:\\Users\\me\\k.KEY", "k.KEY"),
        ("id_rsa", "id_rsa.pem"),
        ("/", "customer-key.pem"),
        ("a.b.pem", "a.b.pem"),
    ],
)
async def test_a_name_is_its_last_part_with_an_ending(
    station: KeyStation, given: str, stored: str
) -> None:
    assert (await upload(station, given)).key.path == f"{KEYS}/{stored}"


BAD_NAMES = [".hidden.pem", "my key.pem", "k\n.pem", "k'.pem", "$(x).pem", "ü.pem", "k\0.pem"]
BAD_NAMES += ["x" * 101 + ".pem", "..", ".pem", "k.pem."]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_a_shell_could_misread_stores_nothing(
    station: KeyStation, name: str
) -> None:
    with pytest.raises((KeyNameInvalid, KeyTypeInvalid)):
        await upload(station, name)
    assert station.names == []


@pytest.mark.parametrize("name", ["k.txt", "registry.json", "pkcs11.pin", "k.PEMX"])
async def test_another_ending_stores_nothing(station: KeyStation, name: str) -> None:
    with pytest.raises(KeyTypeInvalid):
        await upload(station, name)
    assert station.names == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"x" * (LARGEST_KEY + 1), KeyFileTooLarge),
        (public_pem(), KeyFormatInvalid),
        (b"\0" * 100, KeyFormatInvalid),
        (rsa_pem() + rsa_pem(1), KeyFormatInvalid),
    ],
    ids=["too large", "public", "binary", "two keys"],
)
async def test_what_is_no_key_changes_nothing(
    station: KeyStation, content: bytes, error: type[ProvisionerError]
) -> None:
    before = (await upload(station)).key
    with pytest.raises(error):
        await upload(station, "first.pem", content)
    assert station.names == ["first.pem", "registry.json"]
    assert (await station.keys.list_all()).active == before


async def test_a_key_of_exactly_64_kib_is_taken(station: KeyStation) -> None:
    content = rsa_pem() + b"#" * (LARGEST_KEY - len(rsa_pem()))
    assert (await upload(station, content=content)).activated


async def test_a_wrapped_key_of_another_board_gets_its_own_hint(station: KeyStation) -> None:
    blob = station.wrapping.wrap(rsa_pem())
    with pytest.raises(KeyFormatInvalid) as refused:
        await upload(station, content=blob)
    assert "wrapped by a board" in refused.value.message


async def test_a_key_that_is_not_fit_is_kept_and_never_active(station: KeyStation) -> None:
    first = await upload(station)
    done = await upload(station, "ec.key", ec_pem())
    assert (done.activated, done.key.report.is_fit) == (False, False)
    with pytest.raises(KeyUnfit):
        await station.keys.activate(done.key.id, note=station.notes)
    assert station.selected == (first.key.path, "")
    assert station.stored["activeKeyId"] == first.key.id


@pytest.mark.parametrize(
    ("firmware", "error"),
    [
        (FakeFirmwareCrypto({}), DeviceKeyMissing),
        (FakeFirmwareCrypto(missing="no Raspberry Pi"), FirmwareCryptoUnavailable),
    ],
    ids=["no key", "no firmware"],
)
async def test_without_a_device_key_nothing_is_stored(
    tmp_path: Path, firmware: FakeFirmwareCrypto, error: type[ProvisionerError]
) -> None:
    station = KeyStation(tmp_path, firmware=firmware)
    with pytest.raises(error):
        await upload(station)
    assert station.names == []
    assert station.notes.rows[-1] == ("WRAP_KEY", f"{KEYS}/first.pem", False)


async def test_activation_reads_the_key_again(station: KeyStation) -> None:
    first = (await upload(station)).key
    second = (await upload(station, "second.pem", rsa_pem(1))).key
    station.files.replace(first.path, ec_pem())
    with pytest.raises(KeyUnfit):
        await station.keys.activate(first.id, note=station.notes)
    assert station.stored["keys"][0]["algorithm"] == "EC"
    station.files.replace(first.path, rsa_pem())
    again = await station.keys.activate(first.id, note=station.notes)
    assert (again.report, station.selected) == (first.report, (first.path, ""))
    station.paths.real(second.path).unlink()
    with pytest.raises(KeyFileMissing):
        await station.keys.activate(second.id, note=station.notes)
    assert station.stored["activeKeyId"] == first.id


async def test_a_key_of_another_board_is_not_activated(station: KeyStation) -> None:
    first = (await upload(station, activate=False)).key
    station.firmware.keys = {0: b"\x09" * 32}
    with pytest.raises(SecretNotUnwrapped):
        await station.keys.activate(first.id, note=station.notes)
    assert station.selected == ("", "")


async def test_deactivating_clears_both_sides(station: KeyStation) -> None:
    done = await upload(station)
    keys = await station.keys.deactivate(note=station.notes)
    assert (keys.active, station.selected, station.stored["activeKeyId"]) == (None, ("", ""), "")
    assert station.notes.rows[-1] == ("DEACTIVATE_KEY", done.key.path, True)


async def test_the_active_key_is_not_removed_and_others_are(station: KeyStation) -> None:
    first = (await upload(station)).key
    with pytest.raises(KeyActive):
        await station.keys.remove(first.id, note=station.notes)
    second = (await upload(station, "second.pem", rsa_pem(1))).key
    await station.keys.remove(first.id, note=station.notes)
    assert station.names == ["registry.json", "second.pem"]
    assert [key.id for key in (await station.keys.list_all()).keys] == [second.id]
    assert station.notes.rows[-1] == ("DELETE_KEY", first.path, True)
    with pytest.raises(KeyNotFound):
        await station.keys.remove(first.id, note=station.notes)


@pytest.mark.parametrize(
    "path",
    ["/home/pi/own.pem", f"{KEYS}/../own.pem", f"{KEYS}/sub/own.pem", f"{KEYS}/registry.json"],
)
async def test_only_files_of_the_keys_folder_are_deleted(station: KeyStation, path: str) -> None:
    await upload(station, activate=False)
    real = station.paths.real(path)
    if not real.exists():
        station.put(path, rsa_pem())
    await station.registry.change(
        lambda known: known.with_key(replace(known.keys[0], id="b2", place=path))
    )
    await station.keys.remove("b2", note=station.notes)
    assert real.exists()


async def test_a_link_in_the_keys_folder_is_deleted_and_not_its_target(
    station: KeyStation,
) -> None:
    target = station.put("/home/pi/own.pem", rsa_pem())
    await upload(station, activate=False)
    link = station.paths.real(KEYS) / "link.pem"
    link.symlink_to("/home/pi/own.pem")
    await station.registry.change(
        lambda known: known.with_key(replace(known.keys[0], id="b2", place=f"{KEYS}/link.pem"))
    )
    await station.keys.remove("b2", note=station.notes)
    assert (target.exists(), link.is_symlink()) == (True, False)


async def test_a_file_that_two_entries_have_stays_with_the_other(station: KeyStation) -> None:
    first = (await upload(station, activate=False)).key
    await station.registry.change(lambda known: known.with_key(replace(first, id="b2")))
    await station.keys.remove("b2", note=station.notes)
    assert "first.pem" in station.names


async def test_a_label_is_for_people(station: KeyStation) -> None:
    first = (await upload(station)).key
    changed = await station.keys.label(first.id, "  Line 3, 2026 ü ")
    assert (changed.label, station.stored["keys"][0]["label"]) == ("Line 3, 2026 ü",) * 2
    for bad in ("", "   ", "a\nb", "x" * 129):
        with pytest.raises(KeyLabelInvalid):
            await station.keys.label(first.id, bad)


async def test_a_broken_registry_stops_every_change_and_stays(station: KeyStation) -> None:
    first = (await upload(station)).key
    station.put(f"{KEYS}/registry.json", b'{"keys": [')
    for change in (
        upload(station, "second.pem", rsa_pem(1)),
        station.keys.activate(first.id, note=station.notes),
        station.keys.remove(first.id, note=station.notes),
        station.keys.label(first.id, "x"),
        station.keys.wrap(first.id, note=station.notes),
        station.keys.deactivate(note=station.notes),
    ):
        with pytest.raises(RegistryUnreadable):
            await change
    assert station.content(f"{KEYS}/registry.json") == b'{"keys": ['
    assert station.names == ["first.pem", "registry.json"]
    assert station.selected == (first.path, "")


async def test_a_registry_that_cannot_be_written_leaves_no_file_and_no_selection(
    station: KeyStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await upload(station)).key

    def full(*_: object) -> None:
        raise RegistryNotWritten("The disk is full.")

    monkeypatch.setattr(station.registry._file, "write", full)
    with pytest.raises(RegistryNotWritten):
        await upload(station, "second.pem", rsa_pem(1))
    assert station.names == ["first.pem", "registry.json"]
    assert station.selected == (first.path, "")
    with pytest.raises(RegistryNotWritten):
        await station.keys.deactivate(note=station.notes)
    assert station.selected == (first.path, "")


async def test_the_registry_follows_the_configuration(station: KeyStation) -> None:
    first = (await upload(station)).key
    second = (await upload(station, "second.pem", rsa_pem(1))).key
    update = station.configuration.update
    await update({"CUSTOMER_KEY_FILE_PEM": f"{KEYS}//./first.pem"})
    assert station.stored["activeKeyId"] == first.id
    await update({"CUSTOMER_KEY_PKCS11_NAME": URI})
    assert station.stored["activeKeyId"] == ""
    await update({"CUSTOMER_KEY_PKCS11_NAME": "", "CUSTOMER_KEY_FILE_PEM": "/elsewhere.pem"})
    assert station.stored["activeKeyId"] == ""
    station.select(path=second.path)
    assert (await station.keys.list_all()).active_id == second.id
    assert station.stored["activeKeyId"] == second.id


async def test_a_station_of_old_gets_its_configured_key_registered(station: KeyStation) -> None:
    station.put("/home/pi/customer.pem", rsa_pem(), mode=0o644)
    station.select(path="/home/pi/customer.pem")
    keys = await station.keys.list_all()
    active = keys.active
    assert active is not None
    assert (active.path, active.label, active.is_wrapped) == (
        "/home/pi/customer.pem",
        "customer.pem",
        False,
    )
    assert station.stored["activeKeyId"] == active.id
    assert (await station.keys.list_all()).active_id == active.id


async def test_a_configured_file_that_is_no_key_registers_nothing(station: KeyStation) -> None:
    station.put("/home/pi/customer.pem", public_pem())
    station.select(path="/home/pi/customer.pem")
    assert (await station.keys.list_all()).keys == ()
    assert station.names == []


async def test_wrapping_changes_the_file_and_nothing_else(station: KeyStation) -> None:
    station.put("/home/pi/customer.pem", rsa_pem(), mode=0o644)
    station.select(path="/home/pi/customer.pem")
    key = (await station.keys.list_all()).keys[0]
    wrapped = await station.keys.wrap(key.id, note=station.notes)
    assert wrapped == replace(key, is_wrapped=True, known=wrapped.known)
    assert station.wrapping.unwrap(station.content("/home/pi/customer.pem")) == rsa_pem()
    assert (station.mode("/home/pi/customer.pem"), station.stored["keys"][0]["wrapped"]) == (
        0o400,
        True,
    )
    blob = station.content("/home/pi/customer.pem")
    await station.keys.wrap(key.id, note=station.notes)
    assert station.content("/home/pi/customer.pem") == blob
    assert [row[0] for row in station.notes.rows] == ["WRAP_SECRET"]


async def test_what_is_no_key_is_not_wrapped(station: KeyStation) -> None:
    key = (await upload(station)).key
    station.put(key.path, b"something else")
    with pytest.raises(KeyFormatInvalid):
        await station.keys.wrap(key.id, note=station.notes)
    assert station.content(key.path) == b"something else"


async def test_a_tokens_key_is_registered_once(station: KeyStation) -> None:
    report = rsa_report((1 << 2047) + 1, 65537)
    first = await station.keys.register_token(
        URI, label="boot", report=report, activate=True, note=station.notes
    )
    assert (first.activated, station.selected) == (True, ("", URI))
    again = await station.keys.register_token(
        URI, label="other", report=report, activate=True, note=station.notes
    )
    assert (again.key.id, again.key.label) == (first.key.id, "boot")
    unfit = KeyReport("RSA", 4096, "", is_fit=False, status="too big")
    other = await station.keys.register_token(
        URI + "2", label="", report=unfit, activate=True, note=station.notes
    )
    assert (other.activated, other.key.kind, other.key.label) == (False, KeyKind.PKCS11, URI + "2")
    assert station.stored["activeKeyId"] == first.key.id


async def test_a_pin_in_an_old_uri_is_not_shown(station: KeyStation) -> None:
    report = rsa_report((1 << 2047) + 1, 65537)
    with pytest.raises(ConfigValueRefused):
        await station.keys.register_token(
            URI + "?pin-value=4711", label="", report=report, activate=True, note=station.notes
        )
    assert await station.configuration.value("CUSTOMER_KEY_PKCS11_NAME") == ""
    assert "4711" not in repr(station.notes)
    old = new_key(
        KeyKind.PKCS11, URI + "?pin-value=4711", label="", report=report, is_wrapped=True, now=NOW
    )
    assert "4711" not in repr(old.shown)
    assert old.shown.uri.startswith(URI)


class ShowingToken(NoTokenKeys):
    """A token that shows one public key to everybody."""

    async def foresee(self, uri: str) -> KeyReport | None:
        """The facts of a key."""
        return rsa_report((1 << 2047) + 1, 65537) if uri == URI else None


async def test_the_uri_of_a_station_of_old_is_registered_without_a_login(tmp_path: Path) -> None:
    station = KeyStation(tmp_path, tokens=ShowingToken())
    station.select(uri=URI + "2")
    assert (await station.keys.list_all()).keys == ()
    station.select(uri=URI)
    active = (await station.keys.list_all()).active
    assert active is not None
    assert (active.label, active.uri, active.report.is_fit) == ("boot", URI, True)
    assert station.stored["activeKeyId"] == active.id


async def test_what_happened_while_nothing_ran_is_followed_at_the_start(
    station: KeyStation,
) -> None:
    await upload(station)
    station.select()
    await station.registry.begin()
    assert station.stored["activeKeyId"] == ""
    station.put(f"{KEYS}/registry.json", b"{")
    await station.registry.begin()


async def test_watchers_see_the_keys_then_each_change(station: KeyStation) -> None:
    frames = station.keys.watch()
    assert (await anext(frames)).value.keys == ()
    done = await upload(station)
    changed = await asyncio.wait_for(anext(frames), 5)
    while changed.value.active_id != done.key.id:
        changed = await asyncio.wait_for(anext(frames), 5)
    assert [key.label for key in changed.value.keys] == ["first.pem"]
    await frames.aclose()


async def test_changes_are_told(station: KeyStation) -> None:
    with station.hub.subscribe(SigningKeysChanged) as heard:
        await upload(station)
        news = await asyncio.wait_for(heard.next(), 5)
    assert isinstance(news, Published)


async def test_uploads_at_once_get_names_and_entries_of_their_own(station: KeyStation) -> None:
    done = await asyncio.gather(*(upload(station, content=rsa_pem(n % 2)) for n in range(6)))
    assert len({each.key.path for each in done}) == 6
    assert len(station.stored["keys"]) == 6
    active = (await station.keys.list_all()).active
    assert active is not None
    assert station.selected[0] == active.path


def test_the_private_numbers_are_in_no_repr() -> None:
    numbers = rsa_key().private_numbers()
    report = rsa_report(numbers.public_numbers.n, numbers.public_numbers.e)
    assert str(numbers.d) not in repr(report)
