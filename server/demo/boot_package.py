"""A boot package as the generator's script makes it: signed boot files in a Debian package
(contract images 8.4)."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from adapters.firmware_crypto import FirmwareCryptoProgram
from domain.host_paths import HostPaths
from domain.images.boot_package_files import NOTE_SUFFIX, base_of
from domain.images.disks import analyse_disk
from domain.keys.key_files import KeyFiles
from domain.keys.signing import sign_pem
from domain.keys.wrapping import DeviceWrapping

OUTPUT = "/srv/rpi-sb-provisioner/images/bootimg-output"
PACKAGE = "rpi-sb-boot-update"
MAINTAINER = "System Administrator <root@simulated>"
MOST_BOOT_BYTES = 512 << 20
"""As large as Raspberry Pi OS makes its boot partition; all of it is in memory for a while."""


class NothingToSign(Exception):
    """The image has no boot partition, or one that is too large; the message says which."""


@dataclass(frozen=True, slots=True)
class MadePackage:
    """The files of a boot package by the names that they get, the note last: whoever sees it finds
    the rest."""

    files: dict[str, bytes]


def make_package(paths: HostPaths, image: str, *, key: str) -> MadePackage:
    """Makes the package of an image; `image` and `key` are logical paths, the key may be wrapped.
    Raises `NothingToSign`, OSError and what reading the key raises."""
    real = paths.real(image)
    boot = _boot_partition(real)
    with real.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    keys = KeyFiles(paths, DeviceWrapping(FirmwareCryptoProgram()))
    signature = _signature(boot, keys.open(key).key.private)
    version = f"0.{sha256[:12]}"
    name, base = f"{PACKAGE}_{version}_all.deb", base_of(real.name)
    note = {
        "Package": PACKAGE,
        "Version": version,
        "Architecture": "all",
        "Filename": name,
        "Source Image": real.name,
        "Image SHA256": sha256,
    }
    return MadePackage(
        {
            f"{base}.boot.img": boot,
            f"{base}.boot.sig": signature,
            name: debian_package(version, {"boot.img": boot, "boot.sig": signature}),
            f"{base}{NOTE_SUFFIX}": "".join(f"{k}: {v}\n" for k, v in note.items()).encode(),
        }
    )


def write_package(paths: HostPaths, made: MadePackage) -> None:
    """Puts the files into the folder of boot packages; raises OSError."""
    folder = paths.real(OUTPUT)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.files.items():
        fresh = folder / f".{name}.new"
        fresh.write_bytes(content)
        fresh.replace(folder / name)


def _boot_partition(real: Path) -> bytes:
    with real.open("rb") as file:
        boot = analyse_disk(file.fileno()).boot
        if boot is None:
            raise NothingToSign(f"No boot partition found in {real.name}")
        size = boot.partition.size
        if size > MOST_BOOT_BYTES:
            message = f"its boot partition has {size} bytes, more than {MOST_BOOT_BYTES}"
            raise NothingToSign(f"{real.name}: {message}")
        file.seek(boot.partition.start)
        return file.read(size)


def _signature(boot: bytes, key: PrivateKeyTypes) -> bytes:
    signed = sign_pem(key, boot)
    return f"{hashlib.sha256(boot).hexdigest()}\nrsa2048: {signed.hex()}\n".encode()


def debian_package(version: str, boot_files: dict[str, bytes]) -> bytes:
    """Returns a Debian package (deb(5)) with these files below /boot/firmware."""
    control = (
        f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nSection: admin\n"
        f"Priority: optional\nMaintainer: {MAINTAINER}\n"
        "Description: Signed boot files of a provisioning station\n"
    ).encode()
    data = {f"./boot/firmware/{name}": content for name, content in boot_files.items()}
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control}),
        "data.tar.gz": _tar(data),
    }
    return b"!<arch>\n" + b"".join(_member(name, content) for name, content in members.items())


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    # Without a time, so that the same station has the same files.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _member(name: str, content: bytes) -> bytes:
    """Returns a member of an archive as ar(5) has it."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return header + content + (b"\n" if len(content) % 2 else b"")
