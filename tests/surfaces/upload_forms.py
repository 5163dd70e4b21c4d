"""Forms with files, as clients send them."""

from typing import Any

from tests.surfaces.conftest import Service
from tests.surfaces.image_store import STORE

BOUNDARY = "XbOuNdArYX"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(filename: str | bytes | None, content: bytes, name: str = "image") -> bytes:
    """Returns one part of a form; without a file name it is an ordinary field."""
    raw = filename.encode() if isinstance(filename, str) else filename
    file = b"" if raw is None else b'; filename="' + raw + b'"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
    return head + file + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Returns a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def send(
    service: Service, body: bytes, *, content_type: str = TYPE, **headers: str
) -> tuple[int, Any]:
    """Sends a form; returns the status and the answer."""
    sent = {"Content-Type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
    answer = await service.client.post("/upload-image", content=body, headers=sent)
    return answer.status_code, answer.json()


async def upload(service: Service, filename: str, content: bytes) -> tuple[int, Any]:
    """Sends one file."""
    return await send(service, form(part(filename, content)))


def stored(service: Service) -> set[str]:
    """Returns everything that lies in the store, hidden or not."""
    return {path.name for path in (service.root / STORE.lstrip("/")).iterdir()}
