"""What people and programs ask about the configuration, and change in it."""

from collections.abc import AsyncGenerator, Mapping
from collections.abc import Set as AbstractSet

from domain.caller import Role
from domain.configuration.edits import Edit
from domain.configuration.file import ConfigNotWritten
from domain.configuration.settings import ConfigurationView, SettingChange
from domain.events import Update
from domain.preflight.answers import FieldAnswer
from resolvers.operation import Call, Effect, operation, watch

KEYS = "CUSTOMER_KEY_"
"""Which key signs is for key officers to say (design 6)."""


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.configuration")
async def get_configuration(call: Call) -> ConfigurationView:
    """Returns all settings, secrets masked."""
    return await call.station.configuration.view()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.settingCheck")
async def check_setting(call: Call, *, name: str, value: str) -> FieldAnswer:
    """Returns whether a variable may have a value; nothing is changed."""
    return await call.station.fields.check(name, value)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.updateConfiguration")
async def update_configuration(
    call: Call,
    *,
    changes: Mapping[str, str],
    seen: str | None = None,
    confirmed: AbstractSet[str] | None = None,
) -> tuple[SettingChange, ...]:
    """Stores all changes or none; `seen` is the revision that the caller looked at."""
    if any(name.startswith(KEYS) for name in changes):
        call.caller.require(Role.KEY_OFFICER)
    station = call.station
    edit = Edit(changes=changes, seen=seen, confirmed=confirmed)
    try:
        done = await station.configuration.edit(edit)
    except ConfigNotWritten as error:
        call.file_access("WRITE", station.paths.config, success=False, info=error.message)
        raise
    call.file_access("WRITE", station.paths.config, info="Config updated")
    return done


@watch(role=Role.VIEWER, graphql="Subscription.configurationChanges")
def watch_configuration(call: Call) -> AsyncGenerator[Update[ConfigurationView], None]:
    """Yields all settings now and after each change, by whomever."""
    return call.station.configuration.watch()
