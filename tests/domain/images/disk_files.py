"""Disk images made by the tools that make real ones: sfdisk, mkfs, mtools."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

MIB = 1 << 20
TOOLS = {
    "sfdisk": "fdisk",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "mksquashfs": "squashfs-tools",
}
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def needs(*tools: str) -> pytest.MarkDecorator:
    """Skips a test where a tool is missing, and names its Debian package."""
    missing = [TOOLS[tool] for tool in tools if shutil.which(tool, path=PATH) is None]
    return pytest.mark.skipif(bool(missing), reason=f"install {', '.join(missing)}")


def run(*command: str | Path, text: str = "") -> str:
    """Runs a tool of the system and returns what it says."""
    done = subprocess.run(
        command, input=text.encode(), check=True, capture_output=True, env={"PATH": PATH}
    )
    return done.stdout.decode(errors="replace")


@dataclass(frozen=True)
class Area:
    """A partition of a test's image, in MiB, and the file system in it."""

    start: int
    size: int
    type: str
    content: str = ""


BOOT = Area(1, 40, "c", "vfat -F 32 -n BOOTFS")
ROOT = Area(41, 8, "83", "ext4 -q -L rootfs")


def partitioned(path: Path, *areas: Area, size: int = 64, label: str = "dos") -> Path:
    """Makes a disk of `size` MiB with these partitions, each with its file system."""
    path.touch()
    os.truncate(path, size * MIB)
    lines = [f"start={area.start}MiB, size={area.size}MiB, type={area.type}" for area in areas]
    run("sfdisk", "-q", path, text="\n".join([f"label: {label}", *lines]))
    for area in areas:
        if area.content:
            format_area(path, area)
    return path


def format_area(path: Path, area: Area) -> None:
    """Makes the file system of one partition."""
    inner = path.with_name(f"{path.name}.{area.start}")
    inner.touch()
    os.truncate(inner, area.size * MIB)
    kind, *options = area.content.split()
    run(f"mkfs.{kind}", *options, inner)
    copy_into(path, inner, at=area.start * MIB)
    inner.unlink()


def copy_into(path: Path, inner: Path, *, at: int) -> None:
    """Copies a file into a disk at a byte."""
    with path.open("r+b") as disk:
        disk.seek(at)
        disk.write(inner.read_bytes())


def spoil(path: Path, at: int) -> None:
    """Turns every bit of one byte of a disk."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0xFF]))


def put_boot_files(path: Path, folder: Path, *names: str, at: int = MIB) -> None:
    """Copies empty files into the FAT at this byte of a disk."""
    for name in names:
        (folder / name).write_bytes(b"x\n")
        run("mcopy", "-i", f"{path}@@{at}", folder / name, "::")


def bootable(folder: Path, *, label: str = "dos") -> Path:
    """Makes a disk as an operating system for Raspberry Pi comes."""
    types = ("c", "83") if label == "dos" else ("U", "L")
    areas = (
        Area(BOOT.start, BOOT.size, types[0], BOOT.content),
        Area(ROOT.start, ROOT.size, types[1], ROOT.content),
    )
    path = partitioned(folder / "disk.img", *areas, label=label)
    put_boot_files(path, folder, "config.txt", "cmdline.txt", "kernel_2712.img")
    return path


def unfilled(folder: Path) -> Path:
    """Makes a disk as OpenWrt's for Raspberry Pi comes: it ends behind the squashfs of its root,
    padded to 256 KiB, and not with the root's partition."""
    path = partitioned(folder / "openwrt.img", BOOT, Area(41, 20, "83"))
    put_boot_files(path, folder, "config.txt", "cmdline.txt", "kernel_2712.img")
    (folder / "tree").mkdir()
    (folder / "tree/init").write_bytes(os.urandom(300_000))
    squashfs = folder / "root.squashfs"
    run("mksquashfs", folder / "tree", squashfs, "-quiet")
    copy_into(path, squashfs, at=ROOT.start * MIB)
    os.truncate(path, ROOT.start * MIB + 512 * 1024)
    return path
