"""Services: the systemd units of the station's scripts (contract services section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.services.units import escape_instance
from server.demo.attempts import Phase


@dataclass(frozen=True, slots=True)
class Service:
    """A template unit: `prefix` before the `@`, `program` is what it starts.

    A oneshot service is at its start until its program ends; any other one tells when it is ready.
    """

    prefix: str
    description: str
    program: str
    oneshot: bool = False

    def unit(self, instance: str) -> str:
        """Returns the unit's name; a device node is escaped as a path, without its first slash."""
        return f"{self.prefix}@{escape_instance(instance.strip('/'))}.service"


BOOTSTRAP = Service(
    "rpi-sb-bootstrap",
    "Bootstrap a Raspberry Pi device in to Fastboot, for full-disk encryption setup",
    "rpi-sb-bootstrap.sh",
)
TRIAGE = Service(
    "rpi-sb-triage", "Triage a Raspberry Pi Fastboot device", "rpi-sb-triage.sh", oneshot=True
)
PROVISIONERS: Mapping[str, Service] = {
    "SB": Service(
        "rpi-sb-provisioner",
        "Provision a Raspberry Pi Device with a authentication key, a device-unique key, and an "
        "OS that you supply.",
        "rpi-sb-provisioner.sh",
    ),
    "FDE": Service(
        "rpi-fde-provisioner",
        "Provision a Raspberry Pi Device an OS that you supply inside of a LUKSv2 container tied "
        "to the device.",
        "rpi-fde-provisioner.sh",
    ),
    "NAKED": Service(
        "rpi-naked-provisioner",
        "Provision a Raspberry Pi Device with an OS that you supply",
        "rpi-naked-provisioner.sh",
    ),
    "IDP": Service(
        "rpi-idp-provisioner",
        "Provision a Raspberry Pi Device using IDP artefacts from rpi-image-gen",
        "rpi-idp-provisioner.sh",
    ),
}
PREFIXES = frozenset(service.prefix for service in (BOOTSTRAP, TRIAGE, *PROVISIONERS.values()))


def service_of(phase: Phase, style: str) -> Service:
    """Returns the service whose program is at work in `phase`."""
    if phase is Phase.BOOTSTRAP:
        return BOOTSTRAP
    return TRIAGE if phase is Phase.TRIAGE else PROVISIONERS[style]
