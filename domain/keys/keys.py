"""Everything about signing keys that a station has."""

from dataclasses import dataclass

from domain.keys.device_key import DeviceKey
from domain.keys.key_registry import KeyRegistry
from domain.keys.key_uses import KeyUses
from domain.keys.secrets_at_rest import SecretsAtRest
from domain.keys.signing_keys import SigningKeys


@dataclass(frozen=True, slots=True)
class Keys:
    """The features of signing keys, over one registry."""

    registry: KeyRegistry
    signing_keys: SigningKeys
    uses: KeyUses
    secrets: SecretsAtRest
    device_key: DeviceKey
