"""What people and programs ask about runs of hooks, and how they try one."""

from domain.caller import Role
from domain.customisation.dry_runs import DryRun
from domain.customisation.hook_lines import HookRun
from domain.customisation.hook_runs import DeviceHook
from domain.customisation.names import ScriptName
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.hookRuns")
async def page_hook_runs(
    call: Call, *, page: PageRequest, name: str | None, serial: str | None
) -> Page[HookRun]:
    """Returns a page of the runs that were written down, the newest first."""
    hook = None if name is None else ScriptName.asked(name).hook
    return await call.station.hook_runs.list_page(page, hook=hook, serial=serial)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceHooks")
async def list_device_hooks(call: Call, *, serial: str) -> list[DeviceHook]:
    """Returns every hook point with its newest run for one board."""
    return await call.station.hook_runs.of_device(serial)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.dryRunScript")
async def dry_run_script(call: Call, *, name: str, content: str | None) -> DryRun:
    """Tries a script with sample arguments where it can do no harm."""
    given = None if content is None else content.encode("utf-8", "replace")
    return await call.station.dry_runs.run(ScriptName.asked(name), given, note=call.file_access)
