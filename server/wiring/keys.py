"""Builds what knows of signing keys and secrets at rest."""

from adapters.firmware_crypto import FirmwareCryptoProgram
from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.keys.device_key import DeviceKey
from domain.keys.key_files import KeyFiles
from domain.keys.key_registry import KeyRegistry
from domain.keys.key_uses import KeyUses
from domain.keys.keys import Keys
from domain.keys.registry_file import RegistryFile
from domain.keys.secrets_at_rest import SecretsAtRest
from domain.keys.signing_keys import SigningKeys
from domain.keys.token_keys import TokenKeys
from domain.keys.wrapping import DeviceWrapping


def build_keys(
    paths: HostPaths, hub: Hub, *, configuration: Configuration, tokens: TokenKeys
) -> Keys:
    """Returns the features; the registry follows every change of the configuration."""
    wrapping = DeviceWrapping(FirmwareCryptoProgram())
    files = KeyFiles(paths, wrapping)
    registry = KeyRegistry(hub, configuration, files=files, file=RegistryFile(paths))
    configuration.follow(registry.follow)
    return Keys(
        registry=registry,
        signing_keys=SigningKeys(
            paths, configuration, hub=hub, registry=registry, files=files, tokens=tokens
        ),
        uses=KeyUses(paths, configuration, registry=registry, files=files, tokens=tokens),
        secrets=SecretsAtRest(paths, configuration, registry=registry, files=files),
        device_key=DeviceKey(wrapping),
    )
