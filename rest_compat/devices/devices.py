"""The legacy routes of devices (contract devices section 6)."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse

from domain.devices.devices import DeviceNotFound, SerialMissing
from domain.devices.states import StateDatabaseNotOpen, StateDatabaseNotRead, StateRow
from resolvers.devices.devices import get_latest_state_row, list_state_rows
from rest_compat.encoding import JSON_TYPE, json_answer
from rest_compat.errors import json_bytes
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Fault,
    Json,
    Link,
    Parameter,
    Route,
    Schema,
    Showing,
    served,
)

TEXT: Schema = {"type": "string"}
SERIAL = Parameter("serialno", "path", "The serial, or the USB path such as 1-1.4.", required=True)
# The old service answers 500 where its database fails and 400 where it knows no such device.
DATABASE = (Fault(StateDatabaseNotOpen, 500), Fault(StateDatabaseNotRead, 500))
UNKNOWN = (Fault(SerialMissing, 400), Fault(DeviceNotFound, 400))


def _schema(*names: str) -> Schema:
    return {
        "type": "object",
        "required": list(names),
        "properties": dict.fromkeys(names, TEXT),
    }


ROW = _schema("serial", "port", "ip_address", "state", "image")


async def _serial(question: Question) -> Arguments:
    return {"identifier": question.places["serialno"]}


def _row(row: StateRow) -> dict[str, Json]:
    return {
        "serial": row.serial,
        "port": row.endpoint,
        "ip_address": row.ip_address,
        "state": row.state,
        "image": row.image,
    }


async def _list(batches: AsyncIterator[Sequence[StateRow]]) -> Response:
    """Streams the rows; the first batch is read before the answer begins, so that its errors
    show."""
    first = await _first(batches)

    async def body() -> AsyncGenerator[bytes, None]:
        yield b'{"devices":[' + _joined(first)
        async for batch in batches:
            yield b"," + _joined(batch)
        yield b"]}\n"

    return StreamingResponse(body(), media_type=JSON_TYPE)


async def _first(batches: AsyncIterator[Sequence[StateRow]]) -> Sequence[StateRow]:
    async for batch in batches:
        return batch
    return ()


def _joined(rows: Sequence[StateRow]) -> bytes:
    return json_bytes([_row(row) for row in rows])[1:-1]


def _one(row: StateRow) -> Response:
    # Exactly these three (contract devices 6.2).
    return json_answer({"serial": row.serial, "port": row.endpoint, "state": row.state})


OF_ONE = ("get_latest_state_row", "get_device_flags", "read_public_key", "open_provisioner_log")

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/devices",
        summary="Every state row, newest first; a browser gets the page of devices.",
        contract="devices 6.1",
        serves=served(list_state_rows, _list),
        answers=(
            Answer(
                200,
                "All rows.",
                schema={
                    "type": "object",
                    "required": ["devices"],
                    "properties": {"devices": {"type": "array", "items": ROW}},
                },
                links=(Link("/devices/0/serial", "serialno", OF_ONE),),
            ),
        ),
        faults=DATABASE,
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/devices/{serialno}",
        summary="The newest state of one device; a browser gets its page.",
        contract="devices 6.2",
        serves=served(get_latest_state_row, _one, _serial),
        parameters=(SERIAL,),
        answers=(Answer(200, "The device.", schema=_schema("serial", "port", "state")),),
        faults=(*UNKNOWN, *DATABASE),
        showing=Showing.ON_HTML,
    ),
)
