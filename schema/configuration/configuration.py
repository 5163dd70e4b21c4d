"""The configuration as GraphQL clients read and change it."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from domain.configuration.settings import ConfigurationView
from domain.events import Update
from resolvers.configuration import (
    check_setting,
    get_configuration,
    update_configuration,
    watch_configuration,
)
from schema.configuration.settings import (
    Configuration,
    SettingChange,
    change_of,
    configuration_of,
)
from schema.context import Info, who
from schema.errors import Problem, Problems


@strawberry.type(description="One way in which an artefact's description breaks its rules.")
class DescriptionFault:
    """A fault."""

    path: str = strawberry.field(description="Where, from `<root>` on.")
    description: str = strawberry.field(description="What is wrong there.")


@strawberry.type(description="What is said of a value before it is set.")
class SettingCheck:
    """An answer."""

    name: str = strawberry.field(description="The variable's name.")
    valid: bool = strawberry.field(description="Whether the value may be set.")
    error: str | None = strawberry.field(description="Why not; null for a valid value.")
    message: str | None = strawberry.field(
        description="What will happen; null where there is nothing to say."
    )
    is_artefact: bool = strawberry.field(
        description="Whether the value names a valid IDP artefact."
    )
    faults: list[DescriptionFault] = strawberry.field(
        description="What is wrong with the artefact's description."
    )


@strawberry.type(description="The configuration, now or after a change.")
class ConfigurationChange:
    """One frame of `configurationChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    configuration: Configuration = strawberry.field(description="The configuration as it is now.")


@strawberry.input(description="A setting and the value that it shall have.")
class SettingInput:
    """One member of `updateConfiguration`."""

    name: str = strawberry.field(description="The variable's name.")
    value: str = strawberry.field(
        description="Its value; empty clears it. A mask that was shown leaves the secret as it is."
    )


@strawberry.input(description="What to set, and what the editor saw before.")
class UpdateConfigurationInput:
    """Input of `updateConfiguration`."""

    revision: str = strawberry.field(
        description="The revision that the editor saw; another one in force refuses the edit."
    )
    settings: list[SettingInput] = strawberry.field(
        description="All are stored, or none. Of two with one name the last counts."
    )
    confirm_irreversible: list[str] = strawberry.field(
        default_factory=list,
        description="The names of those settings that burn something into boards and are meant to.",
    )


@strawberry.type(description="The configuration was stored.")
class ConfigurationUpdated:
    """Success of `updateConfiguration`."""

    configuration: Configuration = strawberry.field(description="The configuration as it is now.")
    changes: list[SettingChange] = strawberry.field(
        description="What became of each setting that was sent; not of those whose mask was sent."
    )


UpdateConfigurationResult = Annotated[
    ConfigurationUpdated | Problem,
    strawberry.union(
        "UpdateConfigurationResult", description="The configuration, or why nothing was stored."
    ),
]


def _frame(update: Update[ConfigurationView]) -> ConfigurationChange:
    return ConfigurationChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        configuration=configuration_of(update.value),
    )


@strawberry.type
class ConfigurationQueries:
    """Root fields about the configuration."""

    @strawberry.field(description="The station's configuration: every setting and its revision.")
    async def configuration(self, info: Info) -> Configuration:
        """Resolves the configuration."""
        return configuration_of(await get_configuration(*who(info)))

    @strawberry.field(
        description="Whether a setting may have a value (role engineer); nothing is changed."
    )
    async def setting_check(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="The variable's name.")],
        value: Annotated[str, strawberry.argument(description="The value to look at.")],
    ) -> SettingCheck:
        """Resolves the answer."""
        answer = await check_setting(*who(info), name=name, value=value)
        return SettingCheck(
            name=name,
            valid=answer.is_valid,
            error=answer.error or None,
            message=answer.message or None,
            is_artefact=answer.is_artefact,
            faults=[
                DescriptionFault(path=fault.path, description=fault.description)
                for fault in answer.faults
            ],
        )


@strawberry.type
class ConfigurationMutations:
    """Changes of the configuration."""

    @strawberry.mutation(
        description="Sets variables of the configuration (role engineer; key-officer for the "
        "signing key). What burns fuses must be confirmed by name.",
        extensions=[Problems()],
    )
    async def update_configuration(
        self,
        info: Info,
        input: Annotated[
            UpdateConfigurationInput,
            strawberry.argument(description="What to set, and what the editor saw before."),
        ],
    ) -> UpdateConfigurationResult:
        """Updates."""
        done = await update_configuration(
            *who(info),
            changes={setting.name: setting.value for setting in input.settings},
            seen=input.revision,
            confirmed=frozenset(input.confirm_irreversible),
        )
        return ConfigurationUpdated(
            configuration=configuration_of(done.view),
            changes=[change_of(change) for change in done.changes],
        )


@strawberry.type
class ConfigurationSubscriptions:
    """What one can watch of the configuration."""

    @strawberry.subscription(
        description="The configuration now, and again after each change, by whomever."
    )
    async def configuration_changes(self, info: Info) -> AsyncGenerator[ConfigurationChange, None]:
        """Yields frames."""
        updates = watch_configuration(*who(info))
        try:
            async for update in updates:
                yield _frame(update)
        finally:
            await updates.aclose()
