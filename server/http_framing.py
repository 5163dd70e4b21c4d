"""Framing: where a request ends and who it is for; what leaves that in doubt is refused."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import httptools

from server.http_limits import HeadersTooLarge, HttpUnsupported, RequestMalformed, TargetTooLong

HANDSHAKE_LINE, HANDSHAKE_HEADERS = 8000, 128
"""The websockets package reads a handshake again, lines of 8192 bytes and 128 headers at most."""
ALONE = frozenset({b"authorization", b"content-type", b"origin", b"transfer-encoding"})
"""What comes once: of two, one program takes the first and another the last."""
Headers = Sequence[tuple[bytes, bytes]]


def check_framing(
    parser: httptools.HttpRequestParser, headers: Headers, *, hosts: int, target: bytes
) -> None:
    """Raises `RequestMalformed` and `HttpUnsupported` for what RFC 9112 forbids and llhttp lets
    pass, and for what a proxy may read in another way; `hosts` is how many Host headers there are.
    """
    version = parser.get_http_version()
    if version not in {"1.0", "1.1"}:
        raise RequestMalformed("This service speaks HTTP/1.0 and HTTP/1.1.")
    if parser.get_method() == b"CONNECT":
        raise HttpUnsupported("CONNECT is for proxies; this service is none.")
    _check_hosts(headers, hosts, target, version=version)
    names = [name for name, _ in headers]
    for name in ALONE:
        if names.count(name) > 1:
            raise RequestMalformed(f"{name.decode()} came more than once; send it once.")
    for coding in [value for name, value in headers if name == b"transfer-encoding"]:
        if version == "1.0":  # RFC 9112 section 6.1: its framing cannot be trusted
            raise RequestMalformed("HTTP/1.0 has no Transfer-Encoding.")
        if coding.strip().lower() != b"chunked":
            raise HttpUnsupported("The only transfer coding known here is `chunked`.")


def _check_hosts(headers: Headers, hosts: int, target: bytes, *, version: str) -> None:
    # RFC 9112 section 3.2: none or two hosts are refused.
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise RequestMalformed("A request has exactly one Host header.")
    if hosts == 1 and not target.startswith((b"/", b"*")):
        _check_authority(target, dict(headers)[b"host"])


def _check_authority(target: bytes, host: bytes) -> None:
    # RFC 9112 section 3.2.2 has the address win; whoever looked at Host only was told another.
    try:
        authority = urlsplit(target).netloc
    except ValueError:
        authority = b""
    if authority.lower() != host.lower():
        raise RequestMalformed("The request's address and its Host header name different hosts.")


def check_handshake(
    parser: httptools.HttpRequestParser, headers: Headers, *, target: bytes
) -> None:
    """Raises for a handshake that RFC 6455, or the package that goes on with it, refuses."""
    names = {name for name, _ in headers}
    if parser.get_method() != b"GET" or parser.get_http_version() != "1.1":
        raise RequestMalformed("A WebSocket begins with a GET of HTTP/1.1 (RFC 6455).")
    if names & {b"content-length", b"transfer-encoding"}:
        raise RequestMalformed("A WebSocket's request has no body.")
    if len(target) > HANDSHAKE_LINE:
        raise TargetTooLong(f"A WebSocket's address is at most {HANDSHAKE_LINE} bytes.")
    longest = max(len(name) + len(value) for name, value in headers)
    if longest > HANDSHAKE_LINE or len(headers) > HANDSHAKE_HEADERS:
        raise HeadersTooLarge(f"Each header of a WebSocket is at most {HANDSHAKE_LINE} bytes.")
