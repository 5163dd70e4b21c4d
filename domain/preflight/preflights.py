"""Preflights: whether boards can be made with this station as it stands, before one is erased."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from domain.configuration.configuration import Configuration
from domain.configuration.workdir import WorkingFolder
from domain.devices.stages import Style
from domain.devices.usb_ports import UsbPorts
from domain.errors import Invalid, NotFound, ProvisionerError
from domain.firmware.firmware import Firmware
from domain.images.analyses import Analyses, Analysis
from domain.images.gold_master import VARIABLE
from domain.images.image import ImageKind
from domain.images.images import Images
from domain.images.names import ImageName
from domain.images.store_folder import ImageUnreadable
from domain.preflight.combinations import STYLE, find_contradictions
from domain.preflight.fields import Fields
from domain.preflight.findings import Finding, Outcome, Preflight, Topic, preflight_of
from domain.preflight.settings import find_bad_settings
from domain.preflight.surroundings import (
    find_firmware_faults,
    find_missing_units,
    find_port_faults,
    find_room_faults,
    find_workdir_faults,
)
from domain.services.units import Units

STYLES = {"secure-boot": Style.SB, "fde-only": Style.FDE, "naked": Style.NAKED}
"""What PROVISIONING_STYLE says, where the image is no IDP artefact (contract customisation 1)."""


class Preflights:
    """Looks at everything a board needs; nothing is changed, no token is logged in to."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        fields: Fields,
        images: Images,
        analyses: Analyses,
        firmware: Firmware,
        working_folder: WorkingFolder,
        usb: UsbPorts,
        units: Units,
    ) -> None:
        self._configuration = configuration
        self._fields = fields
        self._images = images
        self._analyses = analyses
        self._firmware = firmware
        self._working_folder = working_folder
        self._usb = usb
        self._units = units

    async def check(self) -> Preflight:
        """Returns what was found; raises `ConfigUnreadable`."""
        settings = await self._configuration.values()
        values = {name: setting.value for name, setting in settings.items()}
        return preflight_of([finding async for finding in self._findings(values)])

    async def _findings(self, values: Mapping[str, str]) -> AsyncIterator[Finding]:
        for finding in await asyncio.to_thread(self._of_settings, values):
            yield finding
        analysis = await self._analysis(values)
        for topic, looks in (
            (Topic.FIRMWARE, self._of_firmware()),
            (Topic.FOLDERS, self._of_folder()),
            (Topic.SPACE, self._of_room(analysis)),
            (Topic.PORTS, self._of_ports()),
            (Topic.UNITS, find_missing_units(self._units, _style(values, analysis))),
        ):
            try:
                found = await looks
            except ProvisionerError as error:
                because = f"This could not be looked at: {error.message}"
                found = [Finding(topic, Outcome.UNKNOWN, because, error.remedy)]
            for finding in found:
                yield finding

    def _of_settings(self, values: Mapping[str, str]) -> list[Finding]:
        return [*find_bad_settings(self._fields, values), *find_contradictions(values)]

    async def _analysis(self, values: Mapping[str, str]) -> Analysis | None:
        """Returns what the gold master holds, None where it is not in the store or not there."""
        path = values.get(VARIABLE, "")
        try:
            name = ImageName.asked(path.rpartition("/")[2])
            if self._images.folder.path(name) == path:
                return await self._analyses.get(name)
        except (Invalid, NotFound, ImageUnreadable):
            # The settings' own check says what is wrong with the path.
            pass
        return None

    async def _of_firmware(self) -> Iterable[Finding]:
        return find_firmware_faults(await self._firmware.view())

    async def _of_folder(self) -> Iterable[Finding]:
        return find_workdir_faults(await self._working_folder.view())

    async def _of_room(self, analysis: Analysis | None) -> Iterable[Finding]:
        return find_room_faults(await self._images.space(), _unpacked(analysis))

    async def _of_ports(self) -> Iterable[Finding]:
        ports = self._usb.current.ports.values()
        rules = await self._usb.current_rules()
        return find_port_faults(rules, [port.is_permitted for port in ports])


def _unpacked(analysis: Analysis | None) -> int:
    if analysis and analysis.disk:
        return analysis.disk.size_bytes
    return analysis.artefact.expanded_bytes if analysis and analysis.artefact else 0


def _style(values: Mapping[str, str], analysis: Analysis | None) -> Style | None:
    if analysis and analysis.kind is ImageKind.IDP:
        return Style.IDP
    return STYLES.get(values.get(STYLE, ""))
