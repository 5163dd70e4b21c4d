"""The legacy routes of a device's flags (contract devices 6.6, 6.7)."""

from starlette.responses import Response

from domain.devices.devices import SerialMissing
from domain.devices.flag_files import FlagFolderNotMade, FlagNotRemoved, FlagNotWritten
from domain.devices.flag_kinds import (
    TEXTS,
    FlagKind,
    FlagMissing,
    FlagMode,
    FlagModeUnknown,
    FlagUnknown,
)
from domain.devices.flag_states import DeviceFlags, Flag
from domain.devices.flags import SerialNotResolved
from domain.devices.names import required
from resolvers.devices.flags import get_device_flags, set_device_flag
from resolvers.operation import Call
from rest_compat.devices.devices import SERIAL, TEXT
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Body,
    Fault,
    Json,
    Route,
    Schema,
    Served,
    served,
)

KINDS: Schema = {"enum": [kind.value for kind in FlagKind]}
MODES: Schema = {"enum": [mode.value for mode in FlagMode]}
FLAG: Schema = {
    "type": "object",
    "required": ["id", "label", "description", "active", "mode"],
    "properties": {
        "id": KINDS,
        "label": TEXT,
        "description": TEXT,
        "constraint": {"type": "string", "description": "For which boards; absent for all."},
        "active": {"type": "boolean"},
        "mode": MODES,
    },
}
FLAGS: Schema = {
    "type": "object",
    "required": ["serial", "flags"],
    "properties": {"serial": TEXT, "flags": {"type": "array", "items": FLAG}},
}
ORDER: Schema = {
    "type": "object",
    "required": ["flag", "mode"],
    "properties": {"flag": KINDS, "mode": MODES},
}
DONE: Schema = {
    "type": "object",
    "required": ["success", "flag", "mode", "serial"],
    "properties": {"success": {"const": True}, "flag": KINDS, "mode": MODES, "serial": TEXT},
}


async def _serial(question: Question) -> Arguments:
    return {"identifier": question.places["serialno"]}


def _flags(device: DeviceFlags) -> Response:
    return json_answer({"serial": device.serial, "flags": [_flag(flag) for flag in device.flags]})


def _flag(flag: Flag) -> dict[str, Json]:
    text = TEXTS[flag.flag]
    constraint = {"constraint": text.constraint} if text.constraint else {}
    return {
        "id": flag.flag.value,
        "label": text.label,
        "description": text.description,
        **constraint,
        "active": flag.mode is not FlagMode.OFF,
        "mode": flag.mode.value,
    }


async def _set(call: Call, question: Question) -> Response:
    identifier = required(question.places["serialno"])
    body = await question.json_object()
    flag, mode = _text(body, "flag"), _text(body, "mode")
    device = await set_device_flag.perform(
        call, identifier=identifier, flag=flag, mode=mode, unseen=False
    )
    return json_answer({"success": True, "flag": flag, "mode": mode, "serial": device.serial})


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if isinstance(value, dict | list):
        raise JsonInvalid(f"`{name}` is a text.", field=name)
    return "" if value is None else str(value)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/devices/{serialno}/flags",
        summary="How the flags of a device are set; all off for one that nobody knows.",
        contract="devices 6.6",
        serves=served(get_device_flags, _flags, _serial),
        parameters=(SERIAL,),
        answers=(Answer(200, "All flags, in a fixed order.", schema=FLAGS),),
        faults=(Fault(SerialMissing, 400),),
    ),
    Route(
        method="POST",
        path="/devices/{serialno}/flags",
        summary="Sets a flag of a device that the station has seen, or takes it away.",
        contract="devices 6.7",
        serves=Served(set_device_flag.name, set_device_flag.policy, _set),
        parameters=(SERIAL,),
        body=Body("application/json", ORDER),
        answers=(Answer(200, "The flag is set so.", schema=DONE),),
        faults=(
            Fault(SerialMissing, 400),
            Fault(FlagMissing),
            Fault(FlagModeUnknown),
            Fault(FlagUnknown),
            Fault(SerialNotResolved),
            # The old service answers 500 where its disk fails.
            Fault(FlagNotRemoved, 500),
            Fault(FlagFolderNotMade, 500),
            Fault(FlagNotWritten, 500),
        ),
    ),
)
