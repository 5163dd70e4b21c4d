"""What people and programs ask about the past of scripts, and bring back of it."""

from collections.abc import Sequence

from domain.caller import Role
from domain.customisation.diffs import ScriptDiff
from domain.customisation.names import ScriptName
from domain.customisation.script import Script
from domain.customisation.versions import KeptVersion, ScriptVersion
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.scriptVersions")
async def list_script_versions(call: Call, *, name: str) -> Sequence[ScriptVersion]:
    """Returns the versions of a script, the newest first."""
    return await call.station.script_history.list_of(ScriptName.asked(name))


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.scriptVersion")
async def get_script_version(call: Call, *, name: str, id: int) -> KeptVersion:
    """Returns one version with its content."""
    return await call.station.script_history.get(ScriptName.asked(name), id)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.scriptDiff")
async def diff_script(call: Call, *, name: str, before: int, after: int | None) -> ScriptDiff:
    """Returns what was changed between two versions, or up to now."""
    return await call.station.script_history.diff(ScriptName.asked(name), before, after)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.restoreScript")
async def restore_script(call: Call, *, name: str, id: int, expected: str | None = None) -> Script:
    """Puts a version back."""
    return await call.station.script_history.restore(
        ScriptName.asked(name),
        id,
        by=call.caller.name,
        expected=expected,
        note=call.file_access,
    )
