"""The history of the configuration as GraphQL clients see it, and the step back."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.configuration.history import ORDER, ConfigChange
from domain.paging import page_request
from resolvers.configuration import list_config_changes, roll_back_configuration
from schema.configuration.settings import (
    Configuration,
    SettingChange,
    change_of,
    configuration_of,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.errors import Problem, Problems
from schema.totals import asks_for


@strawberry.type(description="What a change did to one setting.")
class SettingAlteration:
    """An alteration."""

    name: str = strawberry.field(description="The variable's name.")
    old: str | None = strawberry.field(
        description="The value before; null for a secret, which is not kept."
    )
    new: str | None = strawberry.field(
        description="The value after; null for a secret, which is not kept."
    )
    secret: bool = strawberry.field(description="Whether only the fact is known: it changed.")


@strawberry.type(description="One change of the configuration.")
class ConfigurationHistoryEntry:
    """A change."""

    id: strawberry.ID = strawberry.field(description="Names the change.")
    at: datetime = strawberry.field(description="When it was made, or noticed.")
    caller: str | None = strawberry.field(
        description="Who made it; null where the file was changed outside this service."
    )
    role: str | None = strawberry.field(description="The caller's role; null like the caller.")
    address: str | None = strawberry.field(
        description="The caller's address; null like the caller."
    )
    surface: str | None = strawberry.field(description="`graphql` or `rest`; null like the caller.")
    undoes: strawberry.ID | None = strawberry.field(
        description="The change that this one took back; null if none."
    )
    settings: list[SettingAlteration] = strawberry.field(description="What became other values.")


@strawberry.input(description="Which change to take back, and what the editor saw before.")
class RollbackConfigurationInput:
    """Input of `rollbackConfiguration`."""

    change: strawberry.ID = strawberry.field(
        description="The change's id; the newest is the first of `configurationHistory`."
    )
    revision: str = strawberry.field(
        description="The revision that the editor saw; another one in force refuses the step."
    )
    confirm_irreversible: list[str] = strawberry.field(
        default_factory=list,
        description="The names of those settings that burn something into boards and are meant to.",
    )


@strawberry.type(description="The change was taken back.")
class ConfigurationRolledBack:
    """Success of `rollbackConfiguration`."""

    configuration: Configuration = strawberry.field(description="The configuration as it is now.")
    changes: list[SettingChange] = strawberry.field(description="What became of each setting.")
    left: list[str] = strawberry.field(
        description="Secrets of that change: they stay as they are, since old ones are not kept."
    )


RollbackConfigurationResult = Annotated[
    ConfigurationRolledBack | Problem,
    strawberry.union(
        "RollbackConfigurationResult", description="The configuration, or why nothing was changed."
    ),
]


def _entry(change: ConfigChange) -> ConfigurationHistoryEntry:
    return ConfigurationHistoryEntry(
        id=strawberry.ID(str(change.id)),
        at=change.at,
        caller=change.caller or None,
        role=change.role or None,
        address=change.address or None,
        surface=change.surface or None,
        undoes=None if change.undoes is None else strawberry.ID(str(change.undoes)),
        settings=[
            SettingAlteration(
                name=one.name,
                old=None if one.is_secret else one.old,
                new=None if one.is_secret else one.new,
                secret=one.is_secret,
            )
            for one in change.alterations
        ],
    )


def _number(text: str) -> int:
    # What is no number names no change; 0 names none either.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@strawberry.type
class ConfigurationHistoryQueries:
    """Root fields about the history."""

    @strawberry.field(
        description="What changed in the configuration, by whom and when, the newest first (role "
        "engineer)."
    )
    async def configuration_history(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the newest on.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor after which to begin.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many, up to the oldest.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="The cursor before which to end.")
        ] = None,
    ) -> Connection[ConfigurationHistoryEntry]:
        """Resolves a page."""
        page = page_request(ORDER, first=first, after=after, last=last, before=before)
        counted = asks_for(info)
        return connection(await list_config_changes(*who(info), page=page, counted=counted), _entry)


@strawberry.type
class ConfigurationHistoryMutations:
    """Steps back."""

    @strawberry.mutation(
        description="Takes one change back: each of its settings gets the value that it had before "
        "(role engineer; key-officer for the signing key).",
        extensions=[Problems()],
    )
    async def rollback_configuration(
        self,
        info: Info,
        input: Annotated[
            RollbackConfigurationInput,
            strawberry.argument(description="Which change, and what the editor saw before."),
        ],
    ) -> RollbackConfigurationResult:
        """Rolls back."""
        done = await roll_back_configuration(
            *who(info),
            change=_number(input.change),
            seen=input.revision,
            confirmed=frozenset(input.confirm_irreversible),
        )
        return ConfigurationRolledBack(
            configuration=configuration_of(done.view),
            changes=[change_of(change) for change in done.changes],
            left=list(done.left),
        )
