"""The legacy routes of a device's key pair (contract devices 6.4, 6.5)."""

import ipaddress

from starlette.responses import Response

from domain.configuration.file import ConfigUnreadable
from domain.devices.devices import SerialMissing
from domain.devices.keypairs import (
    KeyNotFound,
    KeyUnfit,
    LineNotConfidential,
    PrivateKeyApiDisabled,
)
from resolvers.devices.keypairs import read_private_key, read_public_key
from rest_compat.devices.devices import SERIAL
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Fault, Route, Schema, served

KEY_TYPE = "application/octet-stream"
KEY: Schema = {"type": "string", "format": "binary"}
# The old service answers 400 where there is no such key (contract devices Q8).
FAULTS = (
    Fault(SerialMissing, 400),
    Fault(KeyNotFound, 400),
    Fault(KeyUnfit),
    Fault(ConfigUnreadable),
)


async def _serial(question: Question) -> Arguments:
    return {"identifier": question.places["serialno"]}


async def _serial_and_line(question: Question) -> Arguments:
    identifier = question.places["serialno"]
    return {"identifier": identifier, "confidential": _is_confidential(question)}


def _is_confidential(question: Question) -> bool:
    """Whether nobody can listen between the client and here."""
    if question.scope.get("scheme") == "https":
        return True
    caller = question.caller
    if not _is_loopback(caller.peer_address):
        return False
    # Another address than the peer's is believed of configured proxies only; so is this header.
    if caller.address == caller.peer_address or _is_loopback(caller.address):
        return True
    return question.header("x-forwarded-proto").strip().lower() == "https"


def _is_loopback(address: str) -> bool:
    try:
        known = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return (mapped or known).is_loopback


def _public(content: bytes) -> Response:
    return Response(content, media_type=KEY_TYPE)


def _private(content: bytes) -> Response:
    return Response(content, headers={"Cache-Control": "no-store"}, media_type=KEY_TYPE)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/devices/{serialno}/key/public",
        summary="The public key that triage read from a device: the file as it is.",
        contract="devices 6.4",
        serves=served(read_public_key, _public, _serial),
        parameters=(SERIAL,),
        answers=(Answer(200, "The key; PEM text.", KEY_TYPE, KEY),),
        faults=FAULTS,
    ),
    Route(
        method="GET",
        path="/devices/{serialno}/key/private",
        summary="The private key of a device, where the station's configuration allows that.",
        contract="devices 6.5",
        serves=served(read_private_key, _private, _serial_and_line),
        parameters=(SERIAL,),
        answers=(Answer(200, "The key; PEM text in a file called .der.", KEY_TYPE, KEY),),
        faults=(*FAULTS, Fault(PrivateKeyApiDisabled), Fault(LineNotConfidential)),
    ),
)
