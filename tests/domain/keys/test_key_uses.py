import subprocess
from pathlib import Path

import pytest

from domain.keys.key_refusals import KeyUnfit
from domain.keys.key_uses import KeyPathRefused
from domain.keys.signing import sign_pem
from tests.domain.keys.samples import ec_pem, openssl, public_pem, rsa_key, rsa_pem
from tests.domain.keys.station import KEYS, KeyStation

OWN = "/home/pi/customer.pem"


@pytest.fixture
def station(tmp_path: Path) -> KeyStation:
    return KeyStation(tmp_path)


async def test_files_of_the_folder_and_the_configured_one_are_looked_at(
    station: KeyStation,
) -> None:
    await station.keys.upload("a.pem", rsa_pem(), note=station.notes)
    station.put(OWN, ec_pem())
    station.put(f"{KEYS}/notes", b"hello")
    with pytest.raises(KeyPathRefused):
        await station.uses.check_file(OWN)
    station.select(path=OWN)
    facts = [await station.uses.check_file(path) for path in (f"{KEYS}/a.pem", OWN)]
    assert [(fact.algorithm, fact.is_valid) for fact in facts] == [("RSA", True), ("EC", True)]
    bad = await station.uses.check_file(f"{KEYS}/notes")
    assert (bad.is_valid, bad.level, bool(bad.problem)) == (False, "error", True)
    assert not (await station.uses.check_file(KEYS)).is_valid


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", f"{KEYS}/none.pem", f"{KEYS}/../config", "a.pem", "", f"{KEYS}/a\0.pem"],
)
async def test_other_files_are_refused_there_or_not(station: KeyStation, path: str) -> None:
    await station.keys.upload("a.pem", rsa_pem(), activate=False, note=station.notes)
    station.put("/etc/passwd", b"root")
    with pytest.raises(KeyPathRefused):
        await station.uses.check_file(path)


async def test_a_link_out_of_the_folder_is_refused(station: KeyStation) -> None:
    await station.keys.upload("a.pem", rsa_pem(), activate=False, note=station.notes)
    station.put(OWN, rsa_pem(1))
    (station.paths.real(KEYS) / "link.pem").symlink_to(OWN)
    with pytest.raises(KeyPathRefused):
        await station.uses.check_file(f"{KEYS}/link.pem")


async def test_a_configured_file_that_is_gone_is_told(station: KeyStation) -> None:
    station.select(path=OWN)
    report = await station.uses.check_file(OWN)
    assert (report.is_valid, "not there" in report.problem) == (False, True)


async def test_the_public_half_comes_from_the_wrapped_key(station: KeyStation) -> None:
    done = await station.keys.upload("a.pem", rsa_pem(), note=station.notes)
    public = await station.uses.public_key(done.key.id)
    assert public.pem.encode() == public_pem()
    assert public.fingerprint == done.key.report.fingerprint
    assert len(public.otp_words) == 8


async def test_a_trial_signs_with_the_key_that_lies_there(station: KeyStation) -> None:
    done = await station.keys.upload("a.pem", rsa_pem(), note=station.notes)
    trial = await station.uses.test_sign(done.key.id)
    assert (trial.key.id, trial.milliseconds > 0) == (done.key.id, True)
    other = await station.keys.upload("ec.pem", ec_pem(), note=station.notes)
    with pytest.raises(KeyUnfit):
        await station.uses.test_sign(other.key.id)


def test_openssl_confirms_a_signature(tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_bytes(public_pem())
    (tmp_path / "signature").write_bytes(sign_pem(rsa_key(), b"boot image"))
    verify = ("dgst", "-sha256", "-verify", tmp_path / "public.pem")
    said = openssl(*verify, "-signature", tmp_path / "signature", given=b"boot image")
    assert said.strip() == b"Verified OK"
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*verify, "-signature", tmp_path / "signature", given=b"another image")
