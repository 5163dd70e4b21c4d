"""The units of a board: those that are named for its serial, and the bootstraps of its runs."""

import asyncio
from datetime import datetime, timedelta

from domain.devices.bootstrap_nodes import find_node
from domain.devices.stages import Stage
from domain.devices.unit_work import unit_names
from domain.host_paths import HostPaths
from domain.serials import board_key
from domain.services.runs import UnitRun
from domain.services.services import Services
from domain.services.states import Service
from domain.timeline.boards import Board

ROW_SECOND = timedelta(seconds=1)
"""Rows are timed to the second: what they tell may have happened so much later."""


class TimelineUnits:
    """Finds units; raises `UnitsUnavailable` or `JournalUnavailable` where neither systemd nor
    journal can tell of any."""

    def __init__(self, paths: HostPaths, services: Services) -> None:
        self._paths = paths
        self._services = services

    async def list_services(self, board: Board) -> list[Service]:
        """Returns the board's units, the newest first: those named for its serial, and the
        bootstrap that is proven to be its newest run's."""
        bootstraps = {unit for unit, _ in await self.bootstraps(board.newest_run_only)}
        return [
            service
            for service in await self._services.list_known()
            if service.name in bootstraps or _is_named_for(service, board)
        ]

    async def named_for(self, board: Board) -> list[str]:
        """Returns the names of the units that are named for the board's serial."""
        known = await self._services.list_known()
        return [service.name for service in known if _is_named_for(service, board)]

    async def bootstraps(self, board: Board) -> list[tuple[str, UnitRun]]:
        """Returns the bootstraps of the board's runs, with the name of the unit.

        The unit is named for a device node that other boards had before and after: a run of it is
        the board's only where a row or a link tells the node, and a row was written while it ran.
        """
        found: list[tuple[str, UnitRun]] = []
        for node, at in await asyncio.to_thread(_nodes, self._paths, board):
            for unit in unit_names(Stage.BOOTSTRAP, None, node):
                run = await self._services.runs.running_at(unit, at + ROW_SECOND)
                if run is not None and (run.ended_at is None or run.ended_at >= at):
                    found.append((unit, run))
        return found


def _nodes(paths: HostPaths, board: Board) -> list[tuple[str, datetime]]:
    """Returns the device nodes of the board's bootstraps and when their first rows were written;
    blocks. The link in the board's folder is the newest run's."""
    nodes = [run.node for run in board.runs[:-1]]
    nodes += [find_node(paths, run) or "" for run in board.runs[-1:]]
    found = zip(nodes, board.starts, strict=True)
    return [(node, at) for node, at in found if node and at is not None]


def _is_named_for(service: Service, board: Board) -> bool:
    serial = service.parts.serial
    return serial is not None and board_key(serial) == board.key
