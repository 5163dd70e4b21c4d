"""The USB tree as sysfs shows it: two controllers, their root hubs, hubs, and what is plugged in
(contract devices section 7.4)."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.boards import Board

SYSFS = "/sys/bus/usb/devices"
_PCIE = "/sys/devices/platform/axi/1000120000.pcie"
_CONTROLLERS = {
    1: f"{_PCIE}/1f00200000.usb/xhci-hcd.0",
    2: f"{_PCIE}/1f00200000.usb/xhci-hcd.0",
    3: f"{_PCIE}/1f00300000.usb/xhci-hcd.1",
    4: f"{_PCIE}/1f00300000.usb/xhci-hcd.1",
}
"""Bus to controller, as on a Raspberry Pi 5: each controller has a USB 2 and a USB 3 bus."""

_ROOT_HUBS = ((1, 480, 2), (2, 5000, 1), (3, 480, 2), (4, 5000, 1))
_HUBS = (
    ("1-1", "5411", "USB2.1 Hub", 480, 4),
    ("2-1", "0411", "USB3.2 Hub", 5000, 4),
    ("3-1", "5411", "USB2.1 Hub", 480, 4),
    ("4-1", "0411", "USB3.2 Hub", 5000, 4),
    ("3-1.4", "5411", "USB2.1 Hub", 480, 4),
)
KEYBOARD = "3-2"
_PORT = re.compile(r"\d+-\d+(\.\d+)*")


class UsbTree:
    """Plugs things into the tree and pulls them out, as the kernel would show it."""

    def __init__(self, paths: HostPaths) -> None:
        self._links = paths.real(SYSFS)
        self._paths = paths
        self._last_number: dict[int, int] = {}

    def build(self) -> None:
        """Makes controllers, hubs and the operator's keyboard."""
        self._links.mkdir(parents=True, exist_ok=True)
        for bus, speed, ports in _ROOT_HUBS:
            self._root_hub(bus, speed=speed, ports=ports)
        for port, product, name, speed, ports in _HUBS:
            facts = {"idVendor": "0bda", "idProduct": product, "manufacturer": "Generic"}
            self._attach(
                port, facts | {"product": name}, speed=speed, device_class="09", ports=ports
            )
        keyboard = {"idVendor": "046d", "idProduct": "c31c", "manufacturer": "Logitech"}
        self._attach(KEYBOARD, keyboard | {"product": "USB Keyboard"}, interface_class="03")

    def attach_rom(self, port: str, board: Board, *, serial: str | None = None) -> None:
        """Shows `board` with its boot ROM: a Broadcom id and an 8-digit serial, or what it tells
        instead; with an empty one there is no such file, as in the kernel's own tree.
        """
        serial = board.rom_serial if serial is None else serial
        facts = {
            "idVendor": "0a5c",
            "idProduct": board.model.usb_product,
            "manufacturer": "Broadcom",
            "product": board.model.usb_name,
        }
        facts |= {"serial": serial} if serial else {}
        self._attach(port, facts, interface_class="ff")

    def attach_fastboot(self, port: str, board: Board) -> None:
        """Shows `board` with the fastboot gadget: 18d1:4e40 and its 16-digit serial."""
        facts = {
            "idVendor": "18d1",
            "idProduct": "4e40",
            "manufacturer": "Raspberry Pi",
            "product": board.model.fastboot_name,
            "serial": board.serial,
        }
        self._attach(port, facts, interface_class="ff")

    def detach(self, port: str) -> None:
        """Empties the port; an empty port stays as it is."""
        # The links go first: who reads the tree meanwhile sees the device whole or not at all.
        for name in (f"{port}:1.0", port):
            (self._links / name).unlink(missing_ok=True)
        shutil.rmtree(self._folder(port), ignore_errors=True)

    def node(self, port: str) -> str:
        """Returns the path of the device node, `/dev/bus/usb/BBB/DDD`."""
        number = int((self._links / port / "devnum").read_text())
        return f"/dev/bus/usb/{_bus(port):03d}/{number:03d}"

    def find(self, serial: str) -> str:
        """Returns the USB path of what tells this serial, or "" as `get_usb_path_for_serial`."""
        for told in sorted(self._links.glob("*/serial")):
            if told.read_text().strip() == serial:
                return told.parent.name
        return ""

    def free(self, port: str) -> bool:
        """Whether nothing is plugged into `port`."""
        return not (self._links / port).exists()

    def _root_hub(self, bus: int, *, speed: int, ports: int) -> None:
        folder = self._paths.real(f"{_CONTROLLERS[bus]}/usb{bus}")
        product = {480: "0002", 5000: "0003"}[speed]
        facts = {"idVendor": "1d6b", "idProduct": product, "product": "xHCI Host Controller"}
        numbers = {"busnum": bus, "devnum": 1, "devpath": 0, "speed": speed, "maxchild": ports}
        _write(folder, {**facts, "bDeviceClass": "09", **numbers})
        interface = folder / f"{bus}-0:1.0"
        _write(interface, {"bInterfaceClass": "09"})
        for port in range(1, ports + 1):
            (interface / f"usb{bus}-port{port}").mkdir()
        self._link(folder)
        self._link(interface)

    def _attach(
        self,
        port: str,
        facts: Mapping[str, str],
        *,
        speed: int = 480,
        device_class: str = "00",
        interface_class: str = "09",
        ports: int = 0,
    ) -> None:
        self.detach(port)
        folder, bus = self._folder(port), _bus(port)
        numbers = {"busnum": bus, "devnum": self._number(bus), "speed": speed, "maxchild": ports}
        place: dict[str, str | int] = {"devpath": port.partition("-")[2], "authorized": 1}
        _write(folder, {**facts, "bDeviceClass": device_class, **numbers, **place})
        interface = folder / f"{port}:1.0"
        _write(interface, {"bInterfaceClass": interface_class})
        for child in range(1, ports + 1):
            (interface / f"{port}-port{child}").mkdir()
        self._link(folder)
        self._link(interface)

    def _number(self, bus: int) -> int:
        """The next device number of the bus; it counts up to 127 and round, as the kernel's."""
        taken = {
            int((link / "devnum").read_text())
            for link in self._links.glob(f"{bus}-*")
            if ":" not in link.name
        }
        last = self._last_number.get(bus, max(taken, default=1))
        number = last % 127 + 1
        while number in taken or number == 1:
            number = number % 127 + 1
        self._last_number[bus] = number
        return number

    def _folder(self, port: str) -> Path:
        if not _PORT.fullmatch(port) or _bus(port) not in _CONTROLLERS:
            raise ValueError(f"{port!r} is no USB path of this station")
        bus, parts = _bus(port), port.split(".")
        above = [".".join(parts[: count + 1]) for count in range(len(parts))]
        return self._paths.real("/".join([_CONTROLLERS[bus], f"usb{bus}", *above]))

    def _link(self, folder: Path) -> None:
        inside = folder.relative_to(self._paths.real("/sys"))
        (self._links / folder.name).symlink_to(Path("../../..") / inside)


def _bus(port: str) -> int:
    return int(port.partition("-")[0])


def _write(folder: Path, facts: Mapping[str, str | int]) -> None:
    folder.mkdir(parents=True)
    for name, value in facts.items():
        (folder / name).write_text(f"{value}\n")
