"""What people and programs ask about hook scripts, and change in them."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.customisation.names import ScriptName
from domain.customisation.script import HookState, OpenedScript, Script
from domain.customisation.syntax import SyntaxCheck
from domain.events import Update
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.scripts")
async def list_scripts(call: Call) -> list[Script]:
    """Returns all scripts, then a place for each hook point without one."""
    return await call.station.scripts.list_all()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.scripts")
async def page_scripts(call: Call, *, page: PageRequest) -> Page[Script]:
    """Returns a page of the scripts, by name."""
    return await call.station.scripts.list_page(page)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.hooks")
async def list_hooks(call: Call) -> list[HookState]:
    """Returns all hook points."""
    return await call.station.scripts.list_hooks()


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.script")
async def get_script(call: Call, *, name: str) -> OpenedScript:
    """Returns a script with its content, or the template of a hook point without one."""
    return await call.station.scripts.get(ScriptName.asked(name))


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.scripts")
async def open_script(call: Call, *, script: Script) -> OpenedScript:
    """Returns a listed script with its content."""
    return await call.station.scripts.open(script)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.scripts")
async def check_opened(call: Call, *, script: Script) -> SyntaxCheck:
    """Returns what its shell says of a listed script."""
    return await call.station.scripts.check((await call.station.scripts.open(script)).content)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.scriptTemplate")
async def get_script_template(call: Call, *, name: str) -> OpenedScript:
    """Returns the template of a hook point."""
    return call.station.scripts.template(ScriptName.asked(name))


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.hooks")
async def open_upload_form(call: Call) -> None:
    """Opens the page for uploading a script: the form asks for everything else itself."""
    del call


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.scriptSyntax")
async def check_script(call: Call, *, content: str) -> SyntaxCheck:
    """Returns what the shell says of a text that nobody has saved yet."""
    return await call.station.scripts.check(content.encode("utf-8", "replace"))


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.saveScript")
async def save_script(
    call: Call, *, name: str, content: str, expected: str | None = None, strict: bool = False
) -> Script:
    """Saves a script; a new one is disabled, another keeps its mode. With `strict` one that is
    enabled is not replaced by one that its shell cannot read."""
    return await call.station.scripts.save(
        ScriptName.asked(name),
        _bytes(content),
        by=call.caller.name,
        expected=expected,
        strict=strict,
        note=call.file_access,
    )


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.uploadScript")
async def upload_script(call: Call, *, name: str, content: bytes) -> Script:
    """Saves a script and enables it."""
    return await call.station.scripts.upload(
        ScriptName.asked(name), content, by=call.caller.name, note=call.file_access
    )


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.enableScript")
async def enable_script(call: Call, *, name: str) -> Script:
    """Lets the shell side run a script."""
    return await call.station.scripts.enable(ScriptName.asked(name), note=call.file_access)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.disableScript")
async def disable_script(call: Call, *, name: str) -> Script:
    """Keeps the shell side from running a script."""
    return await call.station.scripts.disable(ScriptName.asked(name), note=call.file_access)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.deleteScript")
async def delete_script(call: Call, *, name: str) -> Script:
    """Deletes a script; returns what it was."""
    return await call.station.scripts.delete(ScriptName.asked(name), note=call.file_access)


@watch(role=Role.VIEWER, graphql="Subscription.scriptChanges")
def watch_scripts(call: Call) -> AsyncGenerator[Update[list[Script]], None]:
    """Yields all scripts, then each one that changes."""
    return call.station.scripts.watch()


def _bytes(content: str) -> bytes:
    # Surfaces refuse texts that are no Unicode; what slips through becomes a question mark.
    return content.encode("utf-8", "replace")
