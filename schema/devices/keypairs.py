"""The key pairs of devices as GraphQL clients see them; private keys are never among it."""

from datetime import datetime

import strawberry

from domain.devices.key_files import KeyFile, KeyForm, KeyPart, PublicKey
from domain.devices.keypairs import Keypair
from domain.devices.names import one_of
from resolvers.devices.keypairs import find_device_keypair
from resolvers.parts import part_of
from schema.context import Info, who
from schema.devices.naming import Named, Port, Serial
from schema.enums import describe_enum
from schema.scalars import Long

describe_enum(
    KeyPart,
    name="DeviceKeyPart",
    description="Which half of a key pair a file holds, by its name.",
    values={
        KeyPart.PUBLIC: "The public key; the file ends in .pub.",
        KeyPart.PRIVATE: "The private key; the file ends in .der.",
    },
)
describe_enum(
    KeyForm,
    name="DeviceKeyForm",
    description="How a key file is written, whatever its name says.",
    values={
        KeyForm.PEM: "PEM text; triage writes it, also into files called .der.",
        KeyForm.DER: "DER, binary.",
        KeyForm.OTHER: "Anything else.",
    },
)


@strawberry.type(description="A key file of a device; what is in it is not told.")
class DeviceKeyFile:
    """A key file."""

    part: KeyPart = strawberry.field(description="Which half it holds.")
    path: str = strawberry.field(description="Where it is on the station.")
    size: Long = strawberry.field(description="Its size in bytes.")
    mode: str = strawberry.field(description="Its permissions in octal digits, such as 0600.")
    form: KeyForm = strawberry.field(description="How it is written.")
    modified_at: datetime = strawberry.field(description="When it was last written.")
    warning: str | None = strawberry.field(
        description="What is wrong with it, and what to do; null when nothing is."
    )


@strawberry.type(description="The public key that triage read from a device.")
class DevicePublicKey:
    """A public key."""

    pem: str = strawberry.field(description="The key as PEM text.")
    fingerprint: str = strawberry.field(
        description="SHA-256 of the key (SubjectPublicKeyInfo in DER), 64 hex digits."
    )
    algorithm: str = strawberry.field(description="Its kind, such as EC secp256r1 or RSA.")
    bits: int = strawberry.field(description="Its size in bits.")


@strawberry.type(description="What the station keeps of a device's key pair.")
class DeviceKeypair:
    """A key pair."""

    public_key: DevicePublicKey | None = strawberry.field(
        description="The public key; null where its file is missing or holds no key."
    )
    has_private_key: bool = strawberry.field(
        description="Whether the station keeps the device's private key: only where the device's "
        "key slot was not locked."
    )
    files: list[DeviceKeyFile] = strawberry.field(
        description="The files; of each half the first one counts."
    )


def keypair_of(found: Keypair) -> DeviceKeypair:
    """Returns the key pair as clients see it."""
    return DeviceKeypair(
        public_key=_public(found.public) if found.public else None,
        has_private_key=any(file.part is KeyPart.PRIVATE for file in found.files),
        files=[_file(file) for file in found.files],
    )


def _public(key: PublicKey) -> DevicePublicKey:
    return DevicePublicKey(
        pem=key.pem, fingerprint=key.fingerprint, algorithm=key.algorithm, bits=key.bits
    )


def _file(file: KeyFile) -> DeviceKeyFile:
    return DeviceKeyFile(
        part=file.part,
        path=file.path,
        size=Long(file.size),
        mode=f"{file.mode:04o}",
        form=file.form,
        modified_at=file.modified_at,
        warning=file.warning,
    )


async def keypair_of_device(root: strawberry.Parent[Named], info: Info) -> DeviceKeypair | None:
    """Resolves the key pair of a device."""
    serial = root.serial
    if not serial:
        return None
    found = await part_of(
        find_device_keypair.policy,
        *who(info),
        lambda call: find_device_keypair.perform(call, identifier=serial),
    )
    return keypair_of(found) if found else None


@strawberry.type
class DeviceKeypairQueries:
    """Root fields about key pairs."""

    @strawberry.field(
        description="What the station keeps of a device's key pair, by either of its serials or "
        "by the port it is at; null when it keeps nothing."
    )
    async def device_keypair(
        self, info: Info, serial: Serial = None, port: Port = None
    ) -> DeviceKeypair | None:
        """Resolves a key pair."""
        found = await find_device_keypair(*who(info), identifier=one_of(serial, port))
        return keypair_of(found) if found else None
