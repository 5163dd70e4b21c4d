"""What people and programs ask about the configuration, and change in it."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass

from domain.caller import Role
from domain.configuration.edits import Edit, Prepare
from domain.configuration.file import ConfigNotWritten
from domain.configuration.history import ConfigChange
from domain.configuration.settings import ConfigurationView, SettingChange
from domain.events import Update
from domain.paging import Page, PageRequest
from domain.preflight.answers import FieldAnswer
from domain.preflight.edit_checks import check_edit
from resolvers.operation import Call, Effect, operation, watch

KEYS = "CUSTOMER_KEY_"
"""Which key signs is for key officers to say (design 6)."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The configuration after a change, what became of each setting, and which secrets of a change
    that was taken back stay as they are."""

    view: ConfigurationView
    changes: tuple[SettingChange, ...]
    left: tuple[str, ...] = ()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.configuration")
async def get_configuration(call: Call) -> ConfigurationView:
    """Returns all settings, secrets masked."""
    return await call.station.configuration.view()


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.settingCheck")
async def check_setting(call: Call, *, name: str, value: str) -> FieldAnswer:
    """Returns whether a variable may have a value; nothing is changed.

    The answer tells of any path whether it is there, which only who may set it needs to know.
    """
    return await call.station.fields.check(name, value)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.updateConfiguration")
async def update_configuration(
    call: Call,
    *,
    changes: Mapping[str, str],
    seen: str | None = None,
    confirmed: AbstractSet[str] | None = None,
) -> Updated:
    """Stores all changes or none; `seen` is the revision that the caller looked at."""
    with _noted(call):
        edit = Edit(changes=changes, seen=seen, confirmed=confirmed, prepare=_prepare(call))
        done = await call.station.configuration.edit(edit)
    return Updated(await call.station.configuration.view(), done)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.configurationHistory")
async def list_config_changes(
    call: Call, *, page: PageRequest, counted: bool
) -> Page[ConfigChange]:
    """Returns a page of the changes, the newest first."""
    return await call.station.config_history.list_page(page, counted=counted)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.rollbackConfiguration")
async def roll_back_configuration(
    call: Call, *, change: int, seen: str, confirmed: AbstractSet[str]
) -> Updated:
    """Gives every setting of a change the value that it had before."""
    history = call.station.config_history
    found = await history.get(change)
    _check_role(call, (one.name for one in found.alterations))
    with _noted(call):
        done = await history.roll_back(
            change, seen=seen, confirmed=confirmed, prepare=_prepare(call)
        )
    return Updated(await call.station.configuration.view(), done.changes, done.left)


@watch(role=Role.VIEWER, graphql="Subscription.configurationChanges")
def watch_configuration(call: Call) -> AsyncGenerator[Update[ConfigurationView], None]:
    """Yields all settings now and after each change, by whomever."""
    return call.station.configuration.watch()


def _check_role(call: Call, names: Iterable[str]) -> None:
    if any(name.startswith(KEYS) for name in names):
        call.caller.require(Role.KEY_OFFICER)


def _prepare(call: Call) -> Prepare:
    """Returns what every edit goes through before it is stored."""
    station = call.station

    def prepare(values: Mapping[str, str], differing: AbstractSet[str]) -> None:
        _check_role(call, differing)
        check_edit(values, differing, firmware=station.firmware, keys=station.keys.signing_keys)
        station.new_databases.provide(values, changed=differing, note=call.file_access)

    return prepare


@contextmanager
def _noted(call: Call) -> Iterator[None]:
    config = call.station.paths.config
    try:
        yield
    except ConfigNotWritten as error:
        call.file_access("WRITE", config, success=False, info=error.message)
        raise
    call.file_access("WRITE", config, info="Config updated")
