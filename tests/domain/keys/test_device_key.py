import pytest

from domain.keys.device_key import AGAIN_SECONDS, DeviceKey
from domain.keys.firmware_crypto import DeviceKeyMissing
from domain.keys.wrapping import DeviceWrapping
from tests.fakes.firmware_crypto import DEVICE_KEY, FakeFirmwareCrypto


async def test_an_answer_holds_for_a_minute() -> None:
    now = [0.0]
    firmware = FakeFirmwareCrypto({})
    key = DeviceKey(DeviceWrapping(firmware), clock=lambda: now[0])
    with pytest.raises(DeviceKeyMissing):
        await key.probe()
    firmware.keys[7] = DEVICE_KEY
    with pytest.raises(DeviceKeyMissing):
        await key.probe()
    now[0] = AGAIN_SECONDS + 1
    await key.probe()
    firmware.keys.clear()
    await key.probe()
