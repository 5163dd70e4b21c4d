"""Notices: what the scripts post to the service after each row (contract devices section 6.9)."""

import asyncio
from urllib.parse import urlsplit

from domain.host_paths import HostPaths

TOKEN = "/run/rpi-sb-provisioner/internal.token"  # noqa: S105 -- where it is, not what it is


class Notices:
    """Posts as the scripts' curl does: without a body, the token in a header.

    Nothing is posted before `base_url` is known, or without a token.
    """

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self.base_url = ""

    async def post(self, address: str) -> None:
        """Posts to an internal address; raises OSError when nobody answers. Any answer will do."""
        token = await asyncio.to_thread(self._token) if self.base_url else ""
        if not token:
            return
        url = urlsplit(self.base_url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            lines = (
                f"POST {address} HTTP/1.1",
                f"Host: {url.netloc}",
                "Accept: */*",
                f"X-Internal-Token: {token}",
                "Connection: close",
            )
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await reader.read(64)
        finally:
            writer.close()

    def _token(self) -> str:
        try:
            return self._paths.real(TOKEN).read_text("ascii").strip()
        except (OSError, ValueError):
            return ""
