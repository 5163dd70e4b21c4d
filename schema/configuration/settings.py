"""Settings as GraphQL clients see them."""

import strawberry

from domain.configuration.masking import is_secret, masked
from domain.configuration.settings import ConfigurationView, SettingView, Source
from domain.configuration.settings import SettingChange as Done
from domain.configuration.variables import Kind
from schema.enums import describe_enum

describe_enum(
    Source,
    name="SettingSource",
    description="Where a setting's value comes from.",
    values={
        Source.PACKAGED: "The package's defaults; a newer package may bring another value.",
        Source.USER: "This station's own file; an empty value counts too.",
        Source.UNSET: "Neither file names it.",
    },
)
describe_enum(
    Kind,
    name="SettingKind",
    description="What sort of value a setting takes.",
    values={
        Kind.CHOICE: "One of `choices`, or empty.",
        Kind.SWITCH: "`1`, or empty for off.",
        Kind.FILE: "The path of a file.",
        Kind.FOLDER: "The path of a folder.",
        Kind.URI: "The PKCS#11 URI of a key (RFC 7512).",
        Kind.TEXT: "Any line of text.",
    },
)


@strawberry.type(description="A setting: a variable of the station's configuration.")
class Setting:
    """A setting."""

    name: str = strawberry.field(description="The variable's name in the file.")
    description: str = strawberry.field(description="What it is for.")
    kind: Kind = strawberry.field(description="What sort of value it takes.")
    choices: list[str] = strawberry.field(
        description="All values that it takes besides the empty one; empty where any may be set."
    )
    value: str = strawberry.field(
        description="The value in force; asterisks stand for secrets and for the PIN in a URI. "
        "Sent back, they mean that it stays."
    )
    is_set: bool = strawberry.field(description="Whether there is a value that is not empty.")
    source: Source = strawberry.field(description="Where the value comes from.")
    default: str | None = strawberry.field(
        description="What the package sets; null where it sets nothing."
    )
    needed: bool = strawberry.field(description="Whether no board can be made while it is empty.")
    secret: bool = strawberry.field(description="Whether its value is never shown.")
    irreversible: bool = strawberry.field(
        description="Whether a value of it burns something into every board that follows; such a "
        "change must be confirmed by name."
    )
    irreversible_values: list[str] = strawberry.field(
        description="The values that do so; empty where every value does, or none."
    )
    prepares: bool = strawberry.field(
        description="Whether what is kept in the working folder is made with it."
    )
    file_only: bool = strawberry.field(
        description="Whether only an administrator can set it, in the file."
    )
    documented: bool = strawberry.field(
        description="Whether this version knows it; others are kept as they are."
    )


@strawberry.type(description="The station's configuration at one moment.")
class Configuration:
    """The configuration."""

    revision: str = strawberry.field(
        description="Names these values; an edit sends it back, and is refused when they are other "
        "ones by then."
    )
    settings: list[Setting] = strawberry.field(
        description="The documented settings, then others that stand in the files."
    )


@strawberry.type(description="What became of one setting.")
class SettingChange:
    """A change."""

    name: str = strawberry.field(description="The variable's name.")
    old: str = strawberry.field(description="The value before; asterisks for a secret.")
    new: str = strawberry.field(description="The value now; asterisks for a secret.")
    differs: bool = strawberry.field(description="Whether it is another value now.")
    secret: bool = strawberry.field(
        description="Whether a secret is part of it, so that the values cannot be compared."
    )


def setting_of(view: SettingView) -> Setting:
    """Returns a setting as clients see it."""
    variable = view.variable
    return Setting(
        name=variable.name,
        description=variable.description,
        kind=variable.kind,
        choices=list(variable.choices),
        value=view.value,
        is_set=view.is_set,
        source=view.source,
        default=view.packaged,
        needed=variable.needed,
        secret=variable.secret,
        irreversible=variable.irreversible,
        irreversible_values=list(variable.burning),
        prepares=variable.prepares,
        file_only=variable.file_only,
        documented=variable.documented,
    )


def configuration_of(view: ConfigurationView) -> Configuration:
    """Returns the configuration as clients see it."""
    settings = [setting_of(setting) for setting in view.settings]
    return Configuration(revision=view.revision, settings=settings)


def change_of(change: Done) -> SettingChange:
    """Returns a change as clients see it."""
    name = change.name
    return SettingChange(
        name=name,
        old=masked(name, change.old),
        new=masked(name, change.new),
        differs=change.differs,
        secret=is_secret(name, change.old) or is_secret(name, change.new),
    )
