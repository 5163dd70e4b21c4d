"""Enums of the domain as GraphQL clients see them: the enum and each of its values described."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=Enum)


def describe_enum(
    described: type[E], *, description: str, values: Mapping[E, str], name: str | None = None
) -> None:
    """Makes a GraphQL enum of `described`; raises KeyError when a value has no description."""
    strawberry.enum(described, name=name, description=description)
    definition: object = getattr(described, "__strawberry_definition__", None)
    if not isinstance(definition, StrawberryEnumDefinition):
        raise TypeError(f"{described.__name__} did not become a GraphQL enum")
    for value in definition.values:
        value.description = values[described[value.name]]
