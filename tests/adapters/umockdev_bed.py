"""A test bed of umockdev: its own /sys, and uevents as the kernel sends them.

Works only in a process that `umockdev-wrapper` started, which loads its library first.
"""

import ctypes
from pathlib import Path

LIBRARY = "libumockdev.so.0"
CONTROLLERS = {
    1: "/devices/platform/xhci0",
    2: "/devices/platform/xhci0",
    3: "/devices/platform/xhci1",
    4: "/devices/platform/xhci1",
}
"""Bus to controller, two of each."""


class Testbed:
    """Adds and removes USB devices."""

    __test__ = False

    def __init__(self) -> None:
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        self._library = ctypes.CDLL(LIBRARY)
        self._library.umockdev_testbed_new.restype = pointer
        self._library.umockdev_testbed_get_root_dir.argtypes = [pointer]
        self._library.umockdev_testbed_get_root_dir.restype = text
        self._library.umockdev_testbed_add_from_string.argtypes = [pointer, text, pointer]
        self._library.umockdev_testbed_add_from_string.restype = ctypes.c_int
        self._library.umockdev_testbed_uevent.argtypes = [pointer, text, text]
        self._library.umockdev_testbed_remove_device.argtypes = [pointer, text]
        self._library.g_object_unref.argtypes = [pointer]
        self._bed = self._library.umockdev_testbed_new()
        self._number = 1

    def close(self) -> None:
        """Ends the bed; /sys is the machine's own again."""
        self._library.g_object_unref(self._bed)

    def bus(self, number: int, *, ports: int, speed: int = 480) -> None:
        """Adds a bus with its root hub."""
        root = f"{CONTROLLERS[number]}/usb{number}"
        self._add(root, "usb_device", speed=speed, maxchild=ports, bDeviceClass="09")
        interface = f"{root}/{number}-0:1.0"
        self._add(interface, "usb_interface", bInterfaceClass="09")
        for port in range(1, ports + 1):
            self._folder(f"{interface}/usb{number}-port{port}").mkdir()

    def hub(self, path: str, *, ports: int, speed: int = 480) -> None:
        """Plugs a hub in."""
        facts = {"idVendor": "0bda", "idProduct": "5411", "maxchild": ports, "speed": speed}
        self.plug(path, **facts, bDeviceClass="09")

    def plug(self, path: str, **facts: object) -> None:
        """Plugs something in, without a word."""
        self._number += 1
        usual: dict[str, object] = {"speed": 480, "devnum": self._number, "bDeviceClass": "00"}
        self._add(_place(path), "usb_device", **{**usual, **facts})
        self._add(f"{_place(path)}/{path}:1.0", "usb_interface", bInterfaceClass="ff")

    def remove(self, path: str) -> None:
        """Pulls it out, without a word."""
        for place in (f"{_place(path)}/{path}:1.0", _place(path)):
            self._library.umockdev_testbed_remove_device(self._bed, f"/sys{place}".encode())

    def tell(self, path: str, action: str = "add") -> None:
        """Sends a uevent."""
        self._library.umockdev_testbed_uevent(
            self._bed, f"/sys{_place(path)}".encode(), action.encode()
        )

    def _add(self, place: str, kind: str, **facts: object) -> None:
        lines = [f"P: {place}", "E: SUBSYSTEM=usb", f"E: DEVTYPE={kind}"]
        lines += [f"A: {name}={value}\\n" for name, value in facts.items()]
        error = ctypes.c_void_p(0)
        text = "\n".join([*lines, "", ""]).encode()
        done = self._library.umockdev_testbed_add_from_string(self._bed, text, ctypes.byref(error))
        assert done, f"umockdev did not take {place}"

    def _folder(self, place: str) -> Path:
        root = self._library.umockdev_testbed_get_root_dir(self._bed).decode()
        return Path(root) / "sys" / place.removeprefix("/")


def _place(path: str) -> str:
    bus, _, ports = path.partition("-")
    parts = ports.split(".")
    above = [f"{bus}-{'.'.join(parts[: count + 1])}" for count in range(len(parts))]
    return "/".join([CONTROLLERS[int(bus)], f"usb{bus}", *above])
