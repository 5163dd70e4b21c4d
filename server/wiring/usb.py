"""What is built of USB: its ports over the kernel's events and the names in `service.db`."""

from datetime import UTC, datetime

from adapters.service_db.database import ServiceDb
from adapters.service_db.port_names import StoredPortNames
from adapters.udev import UdevEvents
from domain.devices.devices import Devices
from domain.devices.usb_ports import UsbPorts
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.manufacturing.board_records import BoardRecords


def build_usb(
    paths: HostPaths,
    hub: Hub,
    *,
    devices: Devices,
    records: BoardRecords,
    service_db: ServiceDb,
) -> UsbPorts:
    """Returns the ports; they are watched from `server.wiring.watching_usb` on."""
    return UsbPorts(
        hub,
        paths,
        devices,
        records,
        names=StoredPortNames(service_db),
        events=UdevEvents(),
        clock=lambda: datetime.now(UTC),
    )
