"""Settings: the variables with their values in force, as everybody may see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.configuration.masking import masked
from domain.configuration.variables import VARIABLES, Variable, find_variable, variable_of


class Source(StrEnum):
    """Which file a value comes from, if any."""

    PACKAGED = "packaged"
    USER = "user"
    UNSET = "unset"


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable's value in force.

    An empty value of the user's file counts: it overrides the packaged one (contract
    configuration 3.1). Bytes that are not UTF-8 are lone surrogates in `value`, so that a path
    names the same file.
    """

    name: str
    value: str = field(repr=False)
    source: Source

    @property
    def shown(self) -> str:
        """The value as every client can take it: secrets masked, U+FFFD for what is not UTF-8."""
        return masked(self.name, self.value)


@dataclass(frozen=True, slots=True)
class SettingChange:
    """What an update did to one variable: its value in force before (empty when it had none)
    and after."""

    name: str
    old: str = field(repr=False)
    new: str = field(repr=False)

    @property
    def differs(self) -> bool:
        """Whether the value in force is another one now."""
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class SettingView:
    """A variable and how it stands. `value` and `packaged` are masked; `packaged` is None where the
    package sets nothing."""

    variable: Variable
    value: str
    packaged: str | None
    source: Source

    @property
    def is_set(self) -> bool:
        """Whether there is a value that is not empty, also where it is not shown."""
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class ConfigurationView:
    """All settings, documented ones first, and the revision that an edit names."""

    revision: str
    settings: tuple[SettingView, ...]


def view_of(
    revision: str, settings: Mapping[str, Setting], packaged: Mapping[str, str]
) -> ConfigurationView:
    """Returns every documented variable, then what else stands in the files, by name."""
    views = tuple(
        SettingView(
            variable=variable_of(name),
            value=settings[name].shown if name in settings else "",
            packaged=masked(name, packaged[name]) if name in packaged else None,
            source=settings[name].source if name in settings else Source.UNSET,
        )
        for name in _names(settings)
    )
    return ConfigurationView(revision, views)


def _names(settings: Iterable[str]) -> list[str]:
    others = sorted(name for name in settings if find_variable(name) is None)
    return [variable.name for variable in VARIABLES] + others
