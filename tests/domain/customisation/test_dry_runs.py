"""Dry runs: what is tried with what, one at a time."""

import asyncio
from pathlib import Path

import pytest

from domain.configuration.configuration import Configuration
from domain.customisation.dry_runs import (
    DryRun,
    DryRunBusy,
    DryRunOrder,
    DryRunRefused,
    DryRuns,
)
from domain.customisation.hidden_places import HiddenPlaces
from domain.customisation.names import ScriptName, ScriptNameInvalid
from domain.customisation.refusals import MOST_BYTES, ScriptTooLarge
from domain.customisation.templates import template_of
from domain.host_paths import HostPaths
from tests.domain.customisation.folder import Bed

NAME = ScriptName("sb-provisioner-bootstrap")


class FakeCell:
    """Keeps what it was told to run."""

    def __init__(self) -> None:
        self.orders: list[DryRunOrder] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuses = False

    async def run(self, order: DryRunOrder, *, seconds: float, most_bytes: int) -> DryRun:
        self.orders.append(order)
        await self.open.wait()
        if self.refuses:
            raise DryRunRefused("The service does not run as root.")
        return DryRun(order.arguments, 0, seconds / 10, "", cut=False)


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def tries(bed: Bed, cell: FakeCell) -> DryRuns:
    paths = HostPaths(bed.root)
    hidden = HiddenPlaces(paths, Configuration(paths, bed.hub))
    return DryRuns(bed.files, bed.scripts, cell, hidden)


async def test_what_lies_there_is_tried_with_the_arguments_of_its_stage(bed: Bed) -> None:
    cell = FakeCell()
    runs = tries(bed, cell)
    await runs.run(NAME, None, note=bed.notes)
    bed.put("sb-provisioner-bootstrap.sh", b"saved")
    await runs.run(NAME, None, note=bed.notes)
    await runs.run(NAME, b"given", note=bed.notes)
    template = template_of(NAME.hook).encode()
    assert [order.content for order in cell.orders] == [template, b"saved", b"given"]
    order = cell.orders[0]
    assert order.arguments == ("deadbeef", "2712", "1-1.2", "/dev/bus/usb/001/005")
    assert order.environment["TARGET_USB_PATH"] == "1-1.2"
    assert order.hidden[0] == str(bed.root)
    assert order.filename == "sb-provisioner-bootstrap.sh"
    path = "/etc/rpi-sb-provisioner/scripts/sb-provisioner-bootstrap.sh"
    assert bed.notes.rows == [("DRY_RUN_SCRIPT", path, True)] * 3


async def test_what_must_not_be_run_is_not(bed: Bed) -> None:
    cell = FakeCell()
    runs = tries(bed, cell)
    with pytest.raises(ScriptNameInvalid):
        await runs.run(ScriptName("other"), b"", note=bed.notes)
    with pytest.raises(ScriptTooLarge):
        await runs.run(NAME, b"x" * (MOST_BYTES + 1), note=bed.notes)
    assert cell.orders == []
    cell.refuses = True
    with pytest.raises(DryRunRefused):
        await runs.run(NAME, b"", note=bed.notes)
    assert bed.notes.rows == []


async def test_one_script_is_tried_at_a_time(bed: Bed) -> None:
    cell = FakeCell()
    cell.open.clear()
    runs = tries(bed, cell)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(runs.run(NAME, b"", note=bed.notes))
        while not cell.orders:
            await asyncio.sleep(0)
        with pytest.raises(DryRunBusy):
            await runs.run(NAME, b"", note=bed.notes)
        cell.open.set()
    assert first.result().exit_status == 0
