"""Unit names: which units the station shows, whose logs it opens, and what a name says."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Denied
from domain.serials import is_real
from domain.services.units import UnitNameInvalid, unescape_instance

PERMITTED = ("rpi-sb-", "rpi-naked-", "rpi-fde-", "rpi-idp-")
"""How the names begin whose logs may be read (contract services section 4)."""
OURS = "rpi-provisioner-ui"
SUFFIX = ".service"


class ServiceUnauthorized(Denied):
    """A unit that is none of the station's."""

    code = "SERVICE_UNAUTHORIZED"
    title = "Unauthorized Service"
    meaning = f"Only units whose names begin with {', '.join(PERMITTED)} are shown."
    remedy = "Name one of the station's units, such as rpi-sb-provisioner@<serial>.service."


class UnitFamily(StrEnum):
    """What kind of work a unit does."""

    BOOTSTRAP = "BOOTSTRAP"
    TRIAGE = "TRIAGE"
    PROVISIONER = "PROVISIONER"
    BOOT_PACKAGE = "BOOT_PACKAGE"
    OTHER = "OTHER"


FAMILIES = {
    "rpi-sb-bootstrap": UnitFamily.BOOTSTRAP,
    "rpi-sb-triage": UnitFamily.TRIAGE,
    "rpi-sb-provisioner": UnitFamily.PROVISIONER,
    "rpi-fde-provisioner": UnitFamily.PROVISIONER,
    "rpi-naked-provisioner": UnitFamily.PROVISIONER,
    "rpi-idp-provisioner": UnitFamily.PROVISIONER,
    "rpi-sb-image-bootimg-generator": UnitFamily.BOOT_PACKAGE,
}


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit's name in its parts (contract services section 2).

    `template` is the text up to and including the `@`, or a plain unit's name without its suffix;
    `instance` is escaped, and empty for a plain unit.
    """

    template: str
    instance: str

    @property
    def base_name(self) -> str:
        """The template's name without its `@`."""
        return self.template.removesuffix("@")

    @property
    def full(self) -> str:
        """The whole name."""
        return f"{self.template}{self.instance}{SUFFIX}"

    @property
    def family(self) -> UnitFamily:
        """What kind of work it does."""
        return FAMILIES.get(self.base_name, UnitFamily.OTHER)

    @property
    def plain_instance(self) -> str:
        """The instance as it was before it was escaped; as it stands where that cannot be told."""
        try:
            return unescape_instance(self.instance)
        except UnitNameInvalid:
            return self.instance

    @property
    def serial(self) -> str | None:
        """The board that it works on; None where the name does not tell."""
        if self.family not in (UnitFamily.TRIAGE, UnitFamily.PROVISIONER):
            return None
        return self.plain_instance if is_real(self.plain_instance) else None

    @property
    def device_node(self) -> str | None:
        """The device node that bootstrap works on: the board that has it changes with each one
        that is plugged in. None for other families."""
        if self.family is not UnitFamily.BOOTSTRAP or not self.instance:
            return None
        # udev's escaping keeps the first slash as a dash, systemd-escape --path drops it.
        return f"/{self.plain_instance.lstrip('/')}"

    @property
    def image(self) -> str | None:
        """The image whose boot package is made; None for other families."""
        if self.family is not UnitFamily.BOOT_PACKAGE or not self.instance:
            return None
        # The old service started these units with the name unescaped (contract images 8.4).
        return self.instance if "\\x" not in self.instance else self.plain_instance


def parsed(name: str) -> UnitName:
    """Returns the parts of a unit's name; cut at the first `.service` as the old service does."""
    template, at, instance = name.partition("@")
    if at:
        return UnitName(template + at, instance.partition(SUFFIX)[0])
    return UnitName(name.partition(SUFFIX)[0], "")


def is_shown(name: str) -> bool:
    """Whether the list of services shows a unit of the journal; all are substring tests (contract
    services section 2)."""
    if OURS in name or SUFFIX not in name:
        return False
    return "rpi-sb-" in name or ("rpi-" in name and "provisioner" in name)


def is_permitted(name: str) -> bool:
    """Whether the log of this unit may be read."""
    return name.startswith(PERMITTED)


def permitted(name: str) -> str:
    """Returns the unit's whole name, `.service` appended where it is missing; raises
    `ServiceUnauthorized` outside the permitted families."""
    if not is_permitted(name):
        raise ServiceUnauthorized(
            "Only logs of rpi-sb, rpi-naked, rpi-fde and rpi-idp services are available.",
            detail=f"Requested service: {name[:300]}",
            field="name",
        )
    return name if name.endswith(SUFFIX) else name + SUFFIX
