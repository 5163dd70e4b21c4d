from pathlib import Path

import pytest

from domain.keys.secrets_at_rest import Protection, Target
from domain.keys.wrapping import is_wrapped
from tests.domain.keys.samples import ec_pem, public_pem, rsa_pem
from tests.domain.keys.station import KEYS, KeyStation
from tests.fakes.firmware_crypto import FakeFirmwareCrypto

PIN = f"{KEYS}/pkcs11.pin"
OWN = "/home/pi/customer.pem"
NONE, PLAIN, WRAPPED = Protection(False, True), Protection(True, False), Protection(True, True)  # noqa: FBT003


@pytest.fixture
async def station(tmp_path: Path) -> KeyStation:
    """A station of old: a configured plain key, another registered one, a plain PIN."""
    station = KeyStation(tmp_path)
    station.put(OWN, rsa_pem(), mode=0o644)
    station.select(path=OWN)
    await station.keys.list_all()
    done = await station.keys.upload("other.pem", ec_pem(), note=station.notes)
    station.put(done.key.path, ec_pem(), mode=0o400)
    station.put(PIN, b"1234\r\n", mode=0o400)
    station.notes.rows.clear()
    return station


async def test_nothing_there_counts_as_wrapped(tmp_path: Path) -> None:
    status = await KeyStation(tmp_path).secrets.status()
    assert (status.pin, status.key, status.plain, status.any_plain) == (NONE, NONE, (), False)


async def test_everything_plain_is_named(station: KeyStation) -> None:
    status = await station.secrets.status()
    assert (status.pin, status.key) == (PLAIN, PLAIN)
    assert status.plain == (PIN, OWN, f"{KEYS}/other.pem")


async def test_a_configured_key_counts_also_without_a_registry(tmp_path: Path) -> None:
    station = KeyStation(tmp_path)
    station.put(OWN, rsa_pem())
    station.select(path=OWN)
    station.put(f"{KEYS}/registry.json", b"{")
    status = await station.secrets.status()
    assert (status.key, status.any_plain) == (PLAIN, True)


async def test_a_pin_in_the_configured_uri_is_plain_until_its_owner_moves_it(
    tmp_path: Path,
) -> None:
    station = KeyStation(tmp_path)
    config = station.paths.config
    uri = "pkcs11:object=k?pin-value=4711"
    station.put(config, f"CUSTOMER_KEY_PKCS11_NAME='{uri}'\n".encode())
    assert (await station.secrets.status()).plain == (config,)
    done = await station.secrets.migrate(Target.EVERYTHING, note=station.notes)
    assert [result.path for result in done.keys] == [config]
    assert "4711" not in done.problems[0]
    assert "set the URI without it" in done.problems[0]
    assert (await station.secrets.migrate(Target.KEY, note=station.notes)).problems == ()


async def test_everything_is_wrapped_each_secret_as_it_was(station: KeyStation) -> None:
    done = await station.secrets.migrate(Target.EVERYTHING, note=station.notes)
    assert done.problems == ()
    assert [result.path for result in done.keys] == [OWN, f"{KEYS}/other.pem"]
    status = await station.secrets.status()
    assert (status.pin, status.key, status.any_plain) == (WRAPPED, WRAPPED, False)
    unwrap = station.wrapping.unwrap
    secrets = {OWN: rsa_pem(), f"{KEYS}/other.pem": ec_pem(), PIN: b"1234"}
    for path, secret in secrets.items():
        assert (unwrap(station.content(path)), station.mode(path)) == (secret, 0o400)
    assert [key["wrapped"] for key in station.stored["keys"]] == [True, True]
    assert station.notes.rows == [
        ("WRAP_SECRET", PIN, True),
        ("WRAP_SECRET", OWN, True),
        ("WRAP_SECRET", f"{KEYS}/other.pem", True),
    ]


@pytest.mark.parametrize(
    ("target", "wrapped"),
    [(Target.PIN, {PIN}), (Target.KEY, {OWN}), (Target.ALL, {PIN, OWN})],
)
async def test_a_target_wraps_what_it_means(
    station: KeyStation, target: Target, wrapped: set[str]
) -> None:
    done = await station.secrets.migrate(target, note=station.notes)
    assert (done.pin is not None, bool(done.keys)) == (PIN in wrapped, OWN in wrapped)
    paths = (PIN, OWN, f"{KEYS}/other.pem")
    assert {path for path in paths if is_wrapped(station.content(path))} == wrapped


async def test_what_is_wrapped_stays_as_it_is(station: KeyStation) -> None:
    await station.secrets.migrate(Target.ALL, note=station.notes)
    before = [station.content(path) for path in (PIN, OWN)]
    again = await station.secrets.migrate(Target.ALL, note=station.notes)
    assert again.problems == ()
    assert [station.content(path) for path in (PIN, OWN)] == before


async def test_one_that_fails_stops_no_other(station: KeyStation) -> None:
    station.put(OWN, public_pem())
    done = await station.secrets.migrate(Target.EVERYTHING, note=station.notes)
    assert len(done.problems) == 1
    assert OWN in done.problems[0]
    assert station.content(OWN) == public_pem()
    assert is_wrapped(station.content(f"{KEYS}/other.pem"))


async def test_without_a_device_key_all_stays_plain(tmp_path: Path) -> None:
    station = KeyStation(tmp_path, firmware=FakeFirmwareCrypto({}))
    station.put(OWN, rsa_pem())
    station.put(PIN, b"1234")
    station.select(path=OWN)
    done = await station.secrets.migrate(Target.ALL, note=station.notes)
    assert len(done.problems) == 2
    assert "genkey" in done.problems[0]
    assert (station.content(PIN), station.content(OWN)) == (b"1234", rsa_pem())
    assert "1234" not in repr((done, station.notes.infos))
