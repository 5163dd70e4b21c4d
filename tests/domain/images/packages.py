"""Boot packages as the generator leaves them (contract images 8.4)."""

from pathlib import Path

DEB = b"!<arch>\n" + bytes(range(256)) * 8
DEFAULT_NAME = "rpi-sb-boot-update_0.abcdef012345_all.deb"


def put_package(
    images: Path,
    base: str,
    *,
    name: str = DEFAULT_NAME,
    content: bytes = DEB,
    **lines: str,
) -> Path:
    """Puts a package and its note into the store at `images`; more `lines` of the note are written
    with `_` for a space. Returns the package."""
    folder = images / "bootimg-output"
    folder.mkdir(exist_ok=True)
    package = folder / name
    package.write_bytes(content)
    told = {"Package": "rpi-sb-boot-update", "Version": "0.abcdef012345", "Filename": name}
    told |= {key.replace("_", " "): value for key, value in lines.items()}
    note = folder / f"{base}.package-info.txt"
    fresh = folder / f".{base}.new"
    fresh.write_text("".join(f"{key}: {value}\n" for key, value in told.items()))
    # As a new file: the script truncates it, and the time is another one then.
    fresh.replace(note)
    return package
