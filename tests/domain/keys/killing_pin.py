"""A program that stores two PINs in turn until it is killed: `killing_pin.py ROOT`."""

import sys
from itertools import cycle
from pathlib import Path

from domain.host_paths import HostPaths
from domain.keys.pin import Pin
from domain.keys.stored_pin import StoredPin
from domain.keys.wrapping import DeviceWrapping
from tests.fakes.firmware_crypto import FakeFirmwareCrypto

PINS = (Pin("first"), Pin("second and longer"))

if __name__ == "__main__":
    stored = StoredPin(HostPaths(Path(sys.argv[1])), DeviceWrapping(FakeFirmwareCrypto()))
    for pin in cycle(PINS):
        stored._store(pin)
        sys.stdout.write("stored\n")
        sys.stdout.flush()
