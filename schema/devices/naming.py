"""How GraphQL clients name a device: by serial or by port."""

from typing import Annotated, Protocol

import strawberry

Serial = Annotated[
    str | None,
    strawberry.argument(
        description="One of the device's serials, 8 or 16 digits. Give this or `port`."
    ),
]
Port = Annotated[
    str | None,
    strawberry.argument(
        description="The USB path where the device is, such as 1-1.4. Give this or `serial`."
    ),
]


class Named(Protocol):
    """A device that has a serial, or else a port."""

    serial: str | None
    port: str | None
