"""Scripts in the real cell: they are nobody, alone, without a network, and end in time."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.nobody_cell import NobodyCell
from domain.customisation.dry_runs import DryRun, DryRunRefused, order_of
from domain.customisation.hooks import find_hook


def _can_make_a_cell() -> bool:
    command = ["unshare", "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc"]
    try:
        done = subprocess.run([*command, "true"], check=False, capture_output=True, timeout=10)
    except OSError:
        return False
    return os.geteuid() == 0 and done.returncode == 0


needs_cell = pytest.mark.skipif(
    not _can_make_a_cell(), reason="needs root and namespaces (unshare of package util-linux)"
)


async def tried(
    script: str,
    *,
    name: str = "sb-provisioner-post-flash",
    hidden: tuple[str, ...] = (),
    **limits: int,
) -> DryRun:
    hook = find_hook(name)
    assert hook is not None
    wanted = {"seconds": 5, "most_bytes": 10_000} | limits
    return await NobodyCell().run(
        order_of(hook, script.encode(), hidden=hidden),
        seconds=wanted["seconds"],
        most_bytes=wanted["most_bytes"],
    )


@needs_cell
async def test_a_script_is_nobody_with_sample_arguments_and_nothing_else() -> None:
    done = await tried('id -u; echo "$#|$1|$2|$3|$TARGET_USB_PATH|$OS_IMAGE_SHA256|$PWD"; exit 7\n')
    assert (done.exit_status, done.cut) == (7, False)
    serial = "10000000deadbeef"
    assert done.output == f"65534\n3|{serial}|{serial}|mmcblk0|1-1.2||/tmp\n"
    names = (await tried("env")).output
    assert "PYTHON" not in names
    assert "RPI_CONNECT_API_KEY" not in names


@needs_cell
async def test_a_script_has_no_network_no_rights_and_no_neighbours() -> None:
    script = """#!/bin/sh
tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
grep -h -E '^Cap(Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status
grep NoNewPrivs /proc/self/status
ls -d /proc/[0-9]* | wc -l
"""
    lines = (await tried(script)).output.split("\n")
    assert lines[0] == "lo"
    assert lines[1].split() == ["NoNewPrivs:", "1"]
    assert int(lines[2]) < 10


@needs_cell
async def test_a_script_sees_and_writes_nothing_of_the_station(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.write_text("here")
    tmp_path.chmod(0o777)
    script = f"""#!/bin/sh
cat {witness} && echo seen
for place in {tmp_path} /usr /etc /srv /var/tmp /dev/shm /run /mnt /home /; do
    touch "$place/written" 2> /dev/null && echo "wrote $place"
done
ls -A /run/systemd /run/dbus /etc/rpi-sb-provisioner 2> /dev/null
echo own > /tmp/own && cat /tmp/own
"""
    done = await tried(script)
    assert "seen" not in done.output
    assert "wrote" not in done.output
    assert done.output.endswith("own\n")
    assert not Path("/tmp/own").exists()


@needs_cell
async def test_a_script_sees_nothing_of_the_places_that_are_named() -> None:
    with TemporaryDirectory(dir="/var/lib") as name:
        folder, file = Path(name) / "root dir", Path(name) / "key.pem"
        folder.mkdir()
        (folder / "config").write_text("folder's secret")
        file.write_text("file's secret")
        Path(name).chmod(0o755)
        script = f"find '{name}'; cat '{folder}/config' '{file}' '{name}/plain'\n"
        (Path(name) / "plain").write_text("in sight")
        done = await tried(script, hidden=(str(folder), str(file), f"{name}/missing"))
        naked = await tried(script)
    assert "secret" in naked.output
    assert "secret" not in done.output
    assert f"{folder}/config\n" not in done.output
    assert done.output.endswith("in sight")


@needs_cell
async def test_the_mounted_stages_have_something_to_change() -> None:
    done = await tried(
        'echo "enable_uart=1" >> "$1/config.txt" && echo a >> "$2/etc/hosts" && cat "$1"/*.txt\n',
        name="sb-provisioner-bootfs-mounted",
    )
    assert done.exit_status == 0
    assert "enable_uart=1" in done.output


@needs_cell
async def test_what_takes_too_long_is_stopped_with_all_it_has_started() -> None:
    marker = f"sleep 98{os.getpid()}"
    done = await tried(f"setsid {marker} & echo begun; {marker}\n", seconds=1)
    assert (done.exit_status, done.output) == (None, "begun\n")
    running = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True)
    assert marker not in running.stdout


@needs_cell
async def test_what_is_left_behind_ends_with_the_script() -> None:
    marker = f"sleep 97{os.getpid()}"
    done = await tried(f"setsid {marker} & exit 0\n")
    assert done.exit_status == 0
    running = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True)
    assert marker not in running.stdout


@needs_cell
async def test_output_is_bounded_and_does_not_hold_the_script_up() -> None:
    done = await tried("head -c 3000000 /dev/zero | tr '\\0' x; exit 3\n", most_bytes=1000)
    assert (done.exit_status, done.output, done.cut) == (3, "x" * 1000, True)


@needs_cell
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("kill -9 $$\n", 137),
        ("#!/nonexistent\n", 127),
        ("", 0),
        ("exit 255\n", 255),
        ("#!/usr/bin/env sh\nexit 4\n", 4),
    ],
)
async def test_every_end_has_its_status(script: str, status: int) -> None:
    assert (await tried(script)).exit_status == status


async def test_without_the_tools_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.nobody_cell.PATH", "/nonexistent")
    with pytest.raises(DryRunRefused) as refused:
        await tried("exit 0\n")
    assert "root" in refused.value.message or "unshare" in refused.value.message


async def test_who_is_not_root_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DryRunRefused) as refused:
        await tried("exit 0\n")
    assert "root" in refused.value.message


@needs_cell
async def test_a_cell_that_cannot_be_made_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.sh"
    broken.write_text("echo 'mount: permission denied'; exit 32\n")
    monkeypatch.setattr("adapters.nobody_cell.INNER", broken)
    with pytest.raises(DryRunRefused) as refused:
        await tried("exit 0\n")
    assert "mount: permission denied" in refused.value.message
