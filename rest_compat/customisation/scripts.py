"""The legacy routes that read scripts (contract customisation 4.1 to 4.3, 4.8)."""

from starlette.responses import Response

from domain.customisation.hooks import DESCRIPTIONS, Provisioner, Stage, description_of
from domain.customisation.names import (
    ScriptName,
    ScriptNameInvalid,
    ScriptNameMissing,
    ScriptNotFound,
)
from domain.customisation.refusals import (
    ScriptFolderUnreadable,
    ScriptTooLargeToRead,
    ScriptUnreadable,
)
from domain.customisation.script import HookState, OpenedScript, Script
from resolvers.customisation import get_script, get_script_template, list_hooks, list_scripts
from resolvers.operation import Call, Operation
from rest_compat.encoding import json_answer
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Fault,
    Json,
    Parameter,
    Route,
    Schema,
    Served,
    Showing,
    served,
)

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
PROVISIONERS: Schema = {"enum": [provisioner.value for provisioner in Provisioner]}
STAGES: Schema = {"enum": [stage.value for stage in Stage]}
MEMBERS: dict[str, Json] = {
    "filename": TEXT,
    "executable": BOOLEAN,
    "enabled": BOOLEAN,
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "provisioner": PROVISIONERS,
    "stage": STAGES,
    "description": TEXT,
}
LISTED: Schema = {
    "type": "object",
    "required": ["filename", "exists", "executable", "enabled"],
    "properties": {**MEMBERS, "exists": BOOLEAN},
}
SAVED: Schema = {
    "type": "object",
    "required": ["filename", "executable", "enabled", "sha256"],
    "properties": MEMBERS,
}
OPENED: Schema = {
    "type": "object",
    "required": ["content", "enabled", "exists", "filename"],
    "properties": {"content": TEXT, "enabled": BOOLEAN, "exists": BOOLEAN, "filename": TEXT},
}
HOOK: Schema = {
    "type": "object",
    "required": ["enabled", "exists", "filename", "provisioner", "stage"],
    "properties": {
        "enabled": BOOLEAN,
        "exists": BOOLEAN,
        "filename": TEXT,
        "provisioner": PROVISIONERS,
        "stage": STAGES,
    },
}
HOOKS: Schema = {
    "type": "object",
    "required": ["hooks", "provisioners", "stages"],
    "properties": {
        "hooks": {"type": "array", "items": HOOK},
        "provisioners": {"type": "array", "items": PROVISIONERS},
        "stages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["description", "name"],
                "properties": {"description": TEXT, "name": STAGES},
            },
        },
    },
}
NAME = Parameter(
    "script",
    "query",
    "The script as <provisioner>-<stage>, with or without `.sh`.",
    required=True,
    schema={"type": "string", "minLength": 1},
)


async def script_of(question: Question) -> Arguments:
    """Parses a request that names a script."""
    return {"name": await _name(question)}


async def _name(question: Question) -> str:
    # Each byte becomes one of the file's name (contract customisation 3).
    return (await question.parameters(errors="surrogateescape")).get("script", "")


def metadata(script: Script) -> dict[str, Json]:
    """Returns what is told of a script in lists and after saving it."""
    told: dict[str, Json] = {
        "filename": script.filename,
        "executable": script.executable,
        "enabled": script.executable,
    }
    if script.sha256 is not None:
        told["sha256"] = script.sha256
    hook = script.hook
    if hook is not None:
        told |= {"provisioner": hook.provisioner.value, "stage": hook.stage.value}
        told["description"] = description_of(hook)
    return told


def _list(scripts: list[Script]) -> Response:
    return json_answer(
        {"scripts": [{**metadata(script), "exists": script.exists} for script in scripts]}
    )


def _hooks(states: list[HookState]) -> Response:
    return json_answer(
        {
            "hooks": [_hook(state) for state in states],
            "provisioners": [provisioner.value for provisioner in Provisioner],
            "stages": [
                {"description": DESCRIPTIONS[stage], "name": stage.value} for stage in sorted(Stage)
            ],
        }
    )


def _hook(state: HookState) -> dict[str, Json]:
    return {
        # Of a folder too (contract 4.8).
        "enabled": state.script.executable,
        "exists": state.script.exists,
        "filename": state.hook.filename,
        "provisioner": state.hook.provisioner.value,
        "stage": state.hook.stage.value,
    }


def _opening(resolver: Operation[..., OpenedScript]) -> Served:
    # Not by `served`: the answer repeats the name as it was given (contract 4.2).
    async def answer(call: Call, question: Question) -> Response:
        name = await _name(question)
        opened = await resolver.perform(call, name=name)
        return json_answer(
            {
                "content": opened.text,
                "enabled": opened.script.executable,
                "exists": opened.script.exists,
                "filename": ScriptName.asked(name).text,
            }
        )

    return Served(resolver.name, resolver.policy, answer)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/customisation/list-scripts",
        summary="All scripts by name, then the hook points that have none.",
        contract="customisation 4.1",
        serves=served(list_scripts, _list),
        answers=(
            Answer(
                200,
                "The scripts.",
                schema={
                    "type": "object",
                    "required": ["scripts"],
                    "properties": {"scripts": {"type": "array", "items": LISTED}},
                },
            ),
        ),
        faults=(Fault(ScriptFolderUnreadable),),
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/customisation/get-script",
        summary="One script, or the template of a hook point without one.",
        contract="customisation 4.2",
        serves=_opening(get_script),
        parameters=(NAME,),
        answers=(Answer(200, "The script.", schema=OPENED),),
        # This area answers 400 for a script that is not there (contract customisation 11).
        faults=(
            Fault(ScriptNameMissing),
            Fault(ScriptNameInvalid),
            Fault(ScriptNotFound, 400),
            Fault(ScriptUnreadable, 400, ScriptNotFound.code),
            Fault(ScriptTooLargeToRead),
            Fault(ScriptFolderUnreadable),
        ),
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/customisation/create-script",
        summary="The template of a hook point; nothing is written.",
        contract="customisation 4.3",
        serves=_opening(get_script_template),
        parameters=(NAME,),
        answers=(Answer(200, "The template.", schema=OPENED),),
        faults=(Fault(ScriptNameMissing), Fault(ScriptNameInvalid)),
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/customisation/list-hooks",
        summary="Every hook point, and whether it has a script.",
        contract="customisation 4.8",
        serves=served(list_hooks, _hooks),
        answers=(Answer(200, "The hook points.", schema=HOOKS),),
        faults=(Fault(ScriptFolderUnreadable),),
    ),
)
