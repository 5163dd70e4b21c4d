"""Set-up: what it installs, says and leaves alone."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A machine with apt-get where `jq-there` is installed, `tool-a` and `tool-b` can be, and
# `tool-z` is unknown to this Debian.
LIST = """\
# package  present when       without it
jq-there   command:sh         nothing works
tool-a     command:tool-a     tests with a are skipped   # a remark
tool-b     file:{}/tool-[b]   tests with b are skipped
"""
APT_GET = """#!/bin/sh
echo "$@" >>"{log}"
for word; do
    case $word in tool-*) touch "{bin}/$word"; chmod +x "{bin}/$word" ;; esac
done
"""
APT_CACHE = """#!/bin/sh
case $2 in tool-z) ;; *) printf '%s:\\n  Installed: (none)\\n  Candidate: 1.0\\n' "$2" ;; esac
"""


@dataclass
class Machine:
    """A tree with the set-up scripts alone and programs of its own before the real ones."""

    tree: Path
    programs: Path

    @classmethod
    def make(cls, folder: Path, *, user: int) -> "Machine":
        machine = cls(folder / "tree", folder / "bin")
        shutil.copytree(ROOT / "packaging", machine.tree / "packaging")
        machine.programs.mkdir()
        (machine.tree / "packages").write_text(LIST.format(machine.programs))
        machine.add("id", f"#!/bin/sh\necho {user}\n")
        machine.add("apt-get", APT_GET.format(log=machine.log, bin=machine.programs))
        machine.add("apt-cache", APT_CACHE)
        return machine

    @property
    def log(self) -> Path:
        return self.programs.parent / "apt-get.log"

    def add(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, script: str, *arguments: str, **environment: str) -> "Ended":
        given = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", **environment}
        ended = subprocess.run(
            ["/bin/sh", self.tree / "packaging" / script, *arguments],
            env=given,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def asked_of_apt(self) -> list[str]:
        """Returns what apt-get was told, without its options."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [
            " ".join(word for word in line.split() if not word.startswith("-") and "::" not in word)
            for line in lines
        ]


@dataclass
class Ended:
    """How a script ended."""

    status: int
    out: str
    err: str


def test_root_gets_only_what_is_missing_and_only_once(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=0)

    first = machine.run("setup-system", "packages")
    second = machine.run("setup-system", "packages")

    assert first.out.splitlines()[-1] == "Debian packages: all there."
    assert second == Ended(0, "Debian packages: all there.\n", "")
    assert machine.asked_of_apt() == ["update", "install tool-a tool-b"]


def test_others_are_told_what_is_missing_and_what_that_means(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=1000)

    ended = machine.run("setup-system", "packages")

    assert ended.status == 0
    assert ended.out.splitlines() == [
        "Debian packages that are missing, and what that means:",
        "  tool-a: tests with a are skipped",
        "  tool-b: tests with b are skipped",
        "To install them, as root: apt-get install --no-install-recommends tool-a tool-b ",
    ]
    assert machine.asked_of_apt() == []


def test_a_package_that_this_debian_lacks_does_not_keep_the_others_out(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=0)
    with (machine.tree / "packages").open("a") as file:
        file.write("tool-z command:tool-z tests with z are skipped\n")

    first = machine.run("setup-system", "packages")
    second = machine.run("setup-system", "packages")

    assert "  tool-z: tests with z are skipped" in first.out
    assert (second.status, second.err) == (0, "")
    assert machine.asked_of_apt() == ["update", "install tool-a tool-b"]


def test_a_failing_apt_get_is_told_and_set_up_goes_on(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=0)
    machine.add("apt-get", "#!/bin/sh\necho 'E: no lock'\nexit 100\n")

    ended = machine.run("setup-system", "packages")

    assert ended.status == 0
    assert "  tool-a: apt-get failed" in ended.err
    assert "E: no lock" in ended.err
    assert "  tool-a: tests with a are skipped" in ended.out


def test_no_python_is_told_with_what_to_do(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=1000)

    ended = machine.run("setup-python", PYTHON="no-such-python")

    assert ended.status == 1
    assert "install Debian's python3, or set PYTHON." in ended.err


def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=1000)
    machine.add("old", "#!/bin/sh\ncase $2 in *version_info*) exit 1 ;; *) echo 3.9 ;; esac\n")

    ended = machine.run("setup-python", PYTHON="old")

    assert (ended.status, ended.out) == (1, "")
    assert "Python 3.11 or newer is needed; `old` is older." in ended.err
    assert not (machine.tree / ".venv").exists()


def test_an_absent_npm_is_a_note(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path, user=1000)
    (machine.tree / "tests/clients").mkdir(parents=True)
    for name in ("dirname", "cat", "cut", "sha256sum"):
        (machine.programs / name).symlink_to(shutil.which(name) or "absent")

    ended = machine.run("setup-clients", PATH=str(machine.programs))

    assert ended.status == 0
    assert ended.out.startswith("Note: node or npm is absent")


@pytest.mark.long
def test_a_bare_copy_sets_itself_up_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    made = shutil.ignore_patterns(".git", ".venv", "node_modules", "*_cache", "__pycache__")
    tree = shutil.copytree(ROOT, tmp_path / "tree", ignore=made)
    environment = {**os.environ, "HOME": str(tmp_path)}

    for _ in range(2):
        ended = subprocess.run(
            ["make", "setup"],
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    assert [line for line in ended.stdout.splitlines() if line.startswith("Installing")] == []
    subprocess.run([tree / ".venv/bin/provisioner-service", "--help"], check=True)
