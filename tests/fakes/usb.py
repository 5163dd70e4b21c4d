"""USB without hardware: a tree like the kernel's, events by hand, names in memory."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from domain.errors import Unavailable
from domain.host_paths import HostPaths

BOARD = {"idVendor": "0a5c", "idProduct": "2712", "product": "BCM2712 Boot"}
FASTBOOT = {"idVendor": "18d1", "idProduct": "4e40", "manufacturer": "Raspberry Pi"}
KEYBOARD = {"idVendor": "046d", "idProduct": "c31c", "product": "USB Keyboard"}
HUB2 = {"idVendor": "0bda", "idProduct": "5411", "product": "USB2.1 Hub"}
HUB3 = {"idVendor": "0bda", "idProduct": "0411", "product": "USB3.2 Hub"}


class Sysfs:
    """Writes below `root` what the kernel shows in /sys: folders of devices, and links to them."""

    def __init__(self, root: Path) -> None:
        self.paths = HostPaths(root)
        self.links = root / "sys/bus/usb/devices"
        self.links.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._controllers: dict[int, str] = {}
        self._number = 1

    def bus(self, number: int, *, ports: int, speed: int = 480, controller: str = "pci0") -> None:
        """Adds a bus with its root hub."""
        self._controllers[number] = controller
        name = f"usb{number}"
        self._add(name, {"speed": speed, "maxchild": ports, "bDeviceClass": "09"})
        self._add(f"{number}-0:1.0", {"bInterfaceClass": "09"})
        for port in range(1, ports + 1):
            (self.links / f"{number}-0:1.0" / f"usb{number}-port{port}").mkdir()

    def peers(self, one: str, other: str) -> None:
        """Links two ports of root hubs, `1-1` and `2-1`, to each other."""
        for port, peer in ((one, other), (other, one)):
            bus, _, number = port.partition("-")
            peer_bus, _, peer_number = peer.partition("-")
            folder = self.links / f"{bus}-0:1.0" / f"usb{bus}-port{number}"
            (folder / "peer").symlink_to(f"../../{peer_bus}-0:1.0/usb{peer_bus}-port{peer_number}")

    def hub(self, path: str, *, ports: int = 4, usb3: bool = False) -> None:
        """Plugs a hub, or one half of it, in."""
        speed = 5000 if usb3 else 480
        facts = {"bDeviceClass": "09", "maxchild": ports, "speed": speed}
        self.plug(path, **(HUB3 if usb3 else HUB2), **facts)

    def plug(self, path: str, **facts: object) -> None:
        """Plugs something in; what was there goes."""
        self.pull(path)
        self._number += 1
        usual: dict[str, object] = {"speed": 480, "devnum": self._number, "bDeviceClass": "00"}
        self._add(path, {**usual, **facts})
        self._add(f"{path}:1.0", {"bInterfaceClass": "ff"})

    def pull(self, path: str) -> None:
        """Pulls it out, with all that hangs on it."""
        for link in self.links.iterdir():
            name = link.name.partition(":")[0]
            if name == path or name.startswith(f"{path}."):
                shutil.rmtree(link.resolve(), ignore_errors=True)
                link.unlink()

    def write(self, path: str, fact: str, content: bytes) -> None:
        """Lets a device tell something else."""
        (self.links / path / fact).write_bytes(content)

    def rules(self, name: str, text: str, *, vendor: bool = False) -> Path:
        """Writes a file of port rules."""
        folder = self.paths.real(self.paths.port_rules[1 if vendor else 0])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        return folder / name

    def _add(self, name: str, facts: Mapping[str, object]) -> None:
        bus = int(name.removeprefix("usb").partition("-")[0])
        folder = self._root / "sys/devices" / self._controllers[bus] / name
        folder.mkdir(parents=True)
        for fact, value in facts.items():
            (folder / fact).write_text(f"{value}\n")
        (self.links / name).symlink_to(os.path.relpath(folder, self.links))


class FakeUsbEvents:
    """Satisfies `UsbEvents`; `tell` is an event. Set `failure` and there are none to be heard."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self._heard = asyncio.Event()

    def tell(self) -> None:
        """Lets something have been plugged in."""
        self._heard.set()

    async def changes(self) -> AsyncGenerator[None, None]:
        await self.probe()
        while True:
            await self._heard.wait()
            self._heard.clear()
            yield

    async def probe(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakePortNames:
    """Satisfies `PortNames` in memory; set `failure` and both methods raise it."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self._names: dict[str, str] = {}

    async def all(self) -> Mapping[str, str]:
        self._check()
        return dict(self._names)

    async def set(self, port: str, name: str) -> None:
        self._check()
        if name:
            self._names[port] = name
        else:
            self._names.pop(port, None)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
