"""The USB tree: what the kernel's folder of USB devices tells at one moment (contract devices
section 7.4)."""

import errno
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import Unavailable
from domain.host_paths import HostPaths, PathRefused

LONGEST_TEXT = 126
"""Characters; a USB string descriptor cannot hold more (USB 2.0 section 9.6.7)."""
MOST_PORTS = 255
"""bNbrPorts of a hub is one byte (USB 2.0 section 11.23.2.1)."""
SUPER_SPEED = 5000
"""Mbit/s; buses from here on are the USB 3 halves of their controllers."""
TRIES = 3
_ENTRY = re.compile(r"(\d+)-(\d+(?:\.\d+)*)(:\d+\.\d+)?", re.ASCII)
_BUS = re.compile(r"usb(\d+)", re.ASCII)
_PORT_FOLDER = re.compile(r".*-port(\d+)", re.ASCII)
_PEER = re.compile(r"usb(\d+)-port(\d+)", re.ASCII)
_HUB_CLASSES = ("09", "9", "0x09")
_FACTS = (
    "idVendor",
    "idProduct",
    "product",
    "manufacturer",
    "serial",
    "speed",
    "maxchild",
    "devnum",
    "bDeviceClass",
    "bInterfaceClass",
)
_INTERFACE_FACTS = ("bInterfaceClass", "bDeviceClass", "maxchild")


class UsbTreeUnreadable(Unavailable):
    """The kernel's list of USB devices cannot be read."""

    code = "USB_UNAVAILABLE"
    title = "USB Unavailable"
    meaning = "The kernel's list of USB devices is not there or cannot be read."
    remedy = (
        "Check that the host has USB and that /sys is mounted; in a container, that it is let in."
    )


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One USB device. `path` is `B-P[.P...]`, `B-0` for a root hub.

    Texts are as the device told them, without control characters and at most `LONGEST_TEXT`
    characters; the empty text is none. `speed` is Mbit/s, 0 while unknown; `ports` a hub's ports.
    `number` is the kernel's, new with each enumeration; a difference in it alone is none.
    """

    path: str
    vendor: str = ""
    product: str = ""
    product_name: str = ""
    manufacturer: str = ""
    serial: str = ""
    speed: int = 0
    is_hub: bool = False
    ports: int = 0
    number: int = field(default=0, compare=False)

    @property
    def bus(self) -> int:
        """The number of its bus."""
        return int(self.path.partition("-")[0])

    @property
    def node(self) -> str:
        """The path of its device node, `/dev/bus/usb/BBB/DDD`, which the scripts write down in
        place of a serial where there is none."""
        return f"/dev/bus/usb/{self.bus:03d}/{self.number:03d}"


@dataclass(frozen=True, slots=True)
class UsbBus:
    """One bus: the USB 2 or the USB 3 half of a controller.

    `controller` is the same for both halves. `peers` are the ports of which the kernel knows the
    other half: (port, other bus, its port).
    """

    number: int
    controller: str
    speed: int
    ports: int
    peers: tuple[tuple[int, int, int], ...] = ()

    @property
    def is_super_speed(self) -> bool:
        """Whether it is the USB 3 half."""
        return self.speed >= SUPER_SPEED


@dataclass(frozen=True, slots=True)
class UsbTree:
    """All devices by path, root hubs too, and all buses by number ascending."""

    devices: Mapping[str, UsbDevice] = field(default_factory=dict)
    buses: tuple[UsbBus, ...] = ()


def read_usb_tree(paths: HostPaths) -> UsbTree:
    """Returns the tree as it is now; what goes while it is read is left out. Blocks.

    A device is read from one and the same folder or not at all, so that no facts of two devices
    are mixed. Raises `UsbTreeUnreadable`.
    """
    try:
        folder = paths.real(paths.usb_devices)
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- names alone are wanted
    except (OSError, PathRefused) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise UsbTreeUnreadable(
            f"The USB devices of this station cannot be read from {paths.usb_devices} ({reason}); "
            "check that the host has USB and that /sys is mounted.",
            detail=paths.usb_devices,
        ) from error
    facts = {name: _facts(paths, folder, name) for name in names}
    found = {name: known for name, known in facts.items() if known is not None}
    buses = [_bus(paths, name, known, found) for name, known in found.items()]
    return UsbTree(
        devices={device.path: device for device in _devices(found)},
        buses=tuple(sorted((bus for bus in buses if bus), key=lambda bus: bus.number)),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one folder tells; `ports` are the highest port folder and its links to other halves."""

    texts: Mapping[str, str]
    highest_port: int = 0
    peers: tuple[tuple[int, int, int], ...] = ()

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def number(self, name: str) -> int:
        digits = re.match(r"\d{1,6}", self.text(name), re.ASCII)
        return int(digits[0]) if digits else 0

    @property
    def names_a_hub(self) -> bool:
        return any(self.text(name) in _HUB_CLASSES for name in ("bDeviceClass", "bInterfaceClass"))


NOTHING = _Facts({})


def _devices(found: Mapping[str, _Facts]) -> Iterable[UsbDevice]:
    parts: dict[str, list[_Facts]] = {}
    for name, facts in found.items():
        if _ENTRY.fullmatch(name):
            parts.setdefault(name.partition(":")[0], []).append(facts)
    for path, entries in parts.items():
        yield _device(path, found.get(path, NOTHING), entries)


def _device(path: str, own: _Facts, entries: Iterable[_Facts]) -> UsbDevice:
    entries = tuple(entries)
    ports = max(max(entry.number("maxchild"), entry.highest_port) for entry in entries)
    return UsbDevice(
        path=path,
        vendor=own.text("idVendor"),
        product=own.text("idProduct"),
        product_name=own.text("product"),
        manufacturer=own.text("manufacturer"),
        serial=own.text("serial"),
        speed=own.number("speed"),
        is_hub=any(entry.names_a_hub for entry in entries),
        ports=min(ports, MOST_PORTS),
        number=own.number("devnum"),
    )


def _bus(paths: HostPaths, name: str, facts: _Facts, found: Mapping[str, _Facts]) -> UsbBus | None:
    numbered = _BUS.fullmatch(name)
    if numbered is None:
        return None
    number = int(numbered[1])
    root_hub = found.get(f"{number}-0:1.0", NOTHING)
    return UsbBus(
        number=number,
        controller=paths.logical(paths.real(f"{paths.usb_devices}/{name}").parent),
        speed=facts.number("speed"),
        ports=min(facts.number("maxchild"), MOST_PORTS),
        peers=root_hub.peers,
    )


def _facts(paths: HostPaths, folder: Path, name: str) -> _Facts | None:
    matched = _ENTRY.fullmatch(name)
    if matched is None and not _BUS.fullmatch(name):
        return None
    is_interface = matched is not None and matched[3] is not None
    is_root_hub = is_interface and matched is not None and matched[2] == "0"
    wanted = _INTERFACE_FACTS if is_interface else _FACTS
    try:
        place = _place(paths, folder, name)
        for _ in range(TRIES):
            texts = _texts(place, wanted)
            if texts is not None:
                return _with_ports(place, texts) if is_root_hub else _Facts(texts)
    except (OSError, PathRefused):
        # It went while it was read; the kernel says so in an event of its own.
        return None
    return None


def _place(paths: HostPaths, folder: Path, name: str) -> Path:
    """Returns where the entry is: the kernel's links are relative, and only others need care."""
    entry = folder / name
    if entry.is_symlink() and entry.readlink().is_absolute():
        return paths.real(f"{paths.usb_devices}/{name}")
    return entry


def _texts(place: Path, names: Iterable[str]) -> dict[str, str] | None:
    """Returns the facts of one folder, None where another one took its place meanwhile."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        texts = {name: _text(handle, name) for name in names}
        return texts if os.path.samestat(os.fstat(handle), place.stat()) else None
    finally:
        os.close(handle)


def _text(folder: int, name: str) -> str:
    try:
        # Whatever may lie there in a simulated tree, nothing of it is waited for.
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return ""
    try:
        return shown(os.read(handle, 4096))
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise  # the device goes, and what was read of it is worth nothing
        return ""
    finally:
        os.close(handle)


def shown(raw: bytes) -> str:
    """Returns the first line without what no screen should show: control characters, turns of the
    writing's direction and bytes that are no UTF-8 become U+FFFD."""
    line = raw.partition(b"\n")[0].decode("utf-8", "replace").rstrip()[:LONGEST_TEXT]
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in line)


def _with_ports(place: Path, texts: Mapping[str, str]) -> _Facts:
    highest, peers = 0, list[tuple[int, int, int]]()
    for entry in place.iterdir():
        port = _PORT_FOLDER.fullmatch(entry.name)
        if port is None or len(port[1]) > len(str(MOST_PORTS)):
            continue
        highest = max(highest, int(port[1]))
        peer = _PEER.fullmatch(_link(entry / "peer"))
        if peer is not None:
            peers.append((int(port[1]), int(peer[1]), int(peer[2])))
    return _Facts(texts, highest, tuple(sorted(peers)))


def _link(entry: Path) -> str:
    try:
        return entry.readlink().name
    except OSError:
        return ""
