"""The committed files: locks, vendored files, addresses, sizes."""

import hashlib
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

from dashboard.pages import STATIC_FOLDER
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
VENDOR = STATIC_FOLDER / "vendor"
LOCKS = ROOT / "packaging/requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MADE = {".git", ".hypothesis", ".venv", "node_modules", "__pycache__", "build", "dist"}
LONGEST_FILE = 400


def committed_files() -> list[Path]:
    """Returns what git has or would take; in a copy without git, all but what tools made."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not _is_made(path)]
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def _is_made(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part in MADE or part.endswith(("_cache", ".egg-info")) for part in parts)


def own_texts() -> Iterator[tuple[str, str]]:
    """Yields name and text of every committed text that is our own."""
    for path in committed_files():
        if VENDOR in path.parents:
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text()
        except UnicodeDecodeError:
            continue


def pins(lock: str) -> dict[str, Version]:
    """Returns the versions that a lock pins, by canonical name."""
    lines = re.findall(r"^([a-z0-9._-]+)==(\S+)", (LOCKS / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in lines}


def unmet(requirements: list[str], lock: str) -> list[str]:
    """Returns the requirements that the lock's pins do not satisfy."""
    pinned = pins(lock)
    wanted = [Requirement(text) for text in requirements]
    return [
        str(each)
        for each in wanted
        if (version := pinned.get(canonicalize_name(each.name))) is None
        or version not in each.specifier
    ]


def manifest() -> list[dict[str, str]]:
    """Returns every vendored file as the manifest has it, its package's facts beside it."""
    packages = json.loads((VENDOR / "manifest.json").read_text())["packages"]
    return [{**package, **file} for package in packages for file in package["files"]]


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    address = re.compile(r"https?://[^\"'\s]*/(simple|packages|npm|repository)/")
    setting = re.compile(r"^(--(extra-)?index-url|--find-links|registry ?=)[ =]*\S", re.MULTILINE)
    folder = re.compile(r"(^|[^a-zA-Z0-9_.])/(work|farm)/", re.MULTILINE)

    found = [
        f"{name}: {match.group().strip()}"
        for name, text in own_texts()
        for pattern in (address, setting, folder)
        if (match := pattern.search(text))
    ]

    assert found == []


def test_no_python_file_is_too_long() -> None:
    # Tests may be longer (style 3): a table of cases is not a noun to split by.
    lengths = {
        name: text.count("\n")
        for name, text in own_texts()
        if name.endswith(".py") and not name.startswith("tests/")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
    assert len(lengths) > 10


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("runtime.txt", PROJECT["project"]["dependencies"]),
        ("dev.txt", PROJECT["project"]["dependencies"]),
        ("dev.txt", PROJECT["project"]["optional-dependencies"]["dev"]),
        ("dev.txt", PROJECT["build-system"]["requires"]),
        ("systemd.txt", PROJECT["project"]["optional-dependencies"]["systemd"]),
    ],
)
def test_the_locks_meet_what_the_project_requires(lock: str, requirements: list[str]) -> None:
    assert unmet(requirements, lock) == []


def test_the_locks_agree_with_each_other() -> None:
    development = pins("dev.txt")

    for lock in ("runtime.txt", "systemd.txt"):
        others = pins(lock)
        different = {
            name for name in others.keys() & development if others[name] != development[name]
        }
        assert different == set()
    assert pins("runtime.txt").keys() <= development.keys()


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "systemd.txt"])
def test_every_pin_of_a_lock_has_checksums_and_a_readable_marker(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (LOCKS / lock).read_text())[1:]

    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    for entry in entries:
        head = entry.splitlines()[0].removesuffix("\\")
        if ";" in head:
            assert str(Marker(head.split(";", 1)[1].strip()))
    assert "://" not in "".join(entries)


def test_the_npm_lock_has_checksums_and_no_addresses() -> None:
    folder = ROOT / "tests/clients"
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]

    assert lock[""]["dependencies"] == wanted
    installed = {name: each for name, each in lock.items() if name}
    assert [name for name, each in installed.items() if "resolved" in each] == []
    assert [name for name, each in installed.items() if "integrity" not in each] == []


@pytest.mark.parametrize("file", manifest(), ids=lambda file: file["file"])
def test_a_vendored_file_is_the_published_one(file: dict[str, str]) -> None:
    assert hashlib.sha256((VENDOR / file["file"]).read_bytes()).hexdigest() == file["sha256"]
    assert file["registry"] == "npm"
    assert {"name", "package", "version", "licence", "source"} <= file.keys()


def test_only_what_the_manifest_names_is_vendored_each_with_its_licence() -> None:
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    named = {file["file"] for file in manifest()}

    assert there == named | {"manifest.json"}
    assert {name.split("/")[0] for name in named} == {
        name.split("/")[0] for name in named if name.endswith("/LICENSE")
    }
    assert [name for name in there if name.endswith(".map")] == []


def test_no_page_of_ours_names_another_host() -> None:
    namespace = "http://www.w3.org/2000/svg"
    outside = re.compile(r"https?://|[\"'(=]\s*//")
    pages = [path for path in STATIC_FOLDER.rglob("*.*") if VENDOR not in path.parents]

    assert {path.suffix for path in pages} == {".html", ".js", ".css", ".svg"}
    found = [path.name for path in pages if outside.search(path.read_text().replace(namespace, ""))]
    assert found == []


def test_the_vendored_style_sheets_bring_their_pictures_and_fonts_along() -> None:
    for sheet in VENDOR.rglob("*.css"):
        targets = re.findall(r"url\(\s*['\"]?([a-z]*:?)", sheet.read_text())
        assert set(targets) == {"data:"}
        assert "@import" not in sheet.read_text()


def test_the_makefile_has_the_promised_targets() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    promised = {"setup", "demo", "test", "test-long", "check", "format", "lock", "vendor", "clean"}
    assert promised <= set(targets)


def test_ci_runs_what_people_run() -> None:
    assert (
        (ROOT / ".ci/run")
        .read_text()
        .splitlines()[-1]
        .split(" </dev/null")[0]
        .endswith("make --no-print-directory test")
    )


def test_the_list_of_debian_packages_is_readable() -> None:
    lines = (ROOT / "packaging/debian-packages.txt").read_text().splitlines()
    entries = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]

    assert len({package for package, _, _ in entries}) == len(entries) > 10
    probes = [probe for _, probe, _ in entries]
    assert [
        each for each in probes if not re.fullmatch(r"(command|file|module|header):\S+", each)
    ] == []


@pytest.mark.parametrize("script", ["setup-system", "setup-python", "setup-clients", "lock"])
def test_the_scripts_are_plain_shell(script: str) -> None:
    checked = subprocess.run(
        ["sh", "-n", ROOT / "packaging" / script], check=False, capture_output=True, text=True
    )

    assert (checked.returncode, checked.stderr) == (0, "")
