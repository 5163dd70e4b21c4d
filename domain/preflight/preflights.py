"""Preflights: whether boards can be made with this station as it stands, before one is erased."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial

from domain.configuration.configuration import Configuration
from domain.configuration.workdir import WorkingFolder
from domain.devices.stages import Style
from domain.devices.usb_ports import UsbPorts
from domain.errors import ProvisionerError
from domain.firmware.firmware import Firmware
from domain.images.gold_master import VARIABLE
from domain.images.image import Image, ImageKind
from domain.preflight.combinations import STYLE, find_contradictions
from domain.preflight.fields import Fields
from domain.preflight.findings import Finding, Outcome, Preflight, Topic, preflight_of
from domain.preflight.image import ImageLook
from domain.preflight.keys import KeyLook
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


Look = Callable[[], Awaitable[Iterable[Finding]]]


class Preflights:
    """Looks at everything a board needs; nothing is changed, no token is logged in to."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        fields: Fields,
        image: ImageLook,
        key: KeyLook,
        firmware: Firmware,
        working_folder: WorkingFolder,
        usb: UsbPorts,
        units: Units,
    ) -> None:
        self._configuration = configuration
        self._fields = fields
        self._image = image
        self._key = key
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
        image = await self._image.find(values.get(VARIABLE, ""))
        looks: tuple[tuple[Topic, Look], ...] = (
            (Topic.IMAGE, partial(self._image.findings, image, values)),
            (Topic.KEY, partial(self._key.findings, values)),
            (Topic.FIRMWARE, self._of_firmware),
            (Topic.FOLDERS, self._of_folder),
            (Topic.SPACE, self._of_room),
            (Topic.PORTS, self._of_ports),
            (Topic.UNITS, partial(find_missing_units, self._units, _style(values, image))),
        )
        for topic, look in looks:
            try:
                found = await look()
            except ProvisionerError as error:
                because = f"This could not be looked at: {error.message}"
                found = [Finding(topic, Outcome.UNKNOWN, because, error.remedy)]
            for finding in found:
                yield finding

    def _of_settings(self, values: Mapping[str, str]) -> list[Finding]:
        return [*find_bad_settings(self._fields, values), *find_contradictions(values)]

    async def _of_firmware(self) -> Iterable[Finding]:
        return find_firmware_faults(await self._firmware.view())

    async def _of_folder(self) -> Iterable[Finding]:
        return find_workdir_faults(await self._working_folder.view())

    async def _of_room(self) -> Iterable[Finding]:
        return find_room_faults(await self._image.space())

    async def _of_ports(self) -> Iterable[Finding]:
        ports = self._usb.current.ports.values()
        rules = await self._usb.current_rules()
        return find_port_faults(rules, [port.is_permitted for port in ports])


def _style(values: Mapping[str, str], image: Image | None) -> Style | None:
    if image and image.kind is ImageKind.IDP:
        return Style.IDP
    return STYLES.get(values.get(STYLE, ""))
