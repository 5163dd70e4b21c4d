"""Plans: how each field of a selection is completed, decided once instead of for every row.

A field is planned when reading one attribute is all that resolving it does: it has no resolver,
argument, permission or extension of its own. Everything else is left to graphql-core, field by
field.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from math import isfinite
from typing import NamedTuple, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    TypeNameMetaFieldDef,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from schema.scalars import date_time_output, long_output, quick_date_time, quick_long

Where: TypeAlias = tuple["Where | None", str | int, str | None]
"""A path not yet built: what `Path` holds, as a plain tuple. Most rows never need theirs."""

Convert: TypeAlias = Callable[..., object]
"""Returns what the client sees of a value of the exact type, None where graphql-core decides."""


class Leaf(NamedTuple):
    """A value of exactly this type is shown as `convert` says, as it is when that is None."""

    exact: type
    convert: Convert | None


class Step(NamedTuple):
    """One field of a row. `exact` is None for fields that are no planned leaf."""

    name: str
    attribute: str
    exact: type | None
    convert: Convert | None
    field: "PlannedField"


class PlannedField:
    """What is known of a field before any value is seen.

    `attribute` is empty where graphql-core resolves the field, `object_type` is the type of a
    planned field with a selection of its own, and `constant` the value of `__typename`.
    """

    __slots__ = (
        "attribute", "constant", "definition", "details", "name", "nullable", "object_type",
        "parent", "sub_plan", "type",
    )  # fmt: skip

    def __init__(
        self, schema: GraphQLSchema, parent: GraphQLObjectType, name: str, details: FieldDetailsList
    ) -> None:
        node = details[0].node
        definition = schema.get_field(parent, node.name.value)
        self.name = name
        self.parent = parent
        self.details = details
        self.definition: GraphQLField | None = definition
        self.type: GraphQLOutputType = definition.type if definition else GraphQLString
        self.nullable = not isinstance(self.type, GraphQLNonNull)
        self.constant = parent.name if definition is TypeNameMetaFieldDef else None
        self.attribute = "" if definition is None or node.arguments else attribute_of(definition)
        named = nullable_type(self.type)
        planned = isinstance(named, GraphQLObjectType) and self.attribute and is_told_apart(named)
        self.object_type = named if planned and isinstance(named, GraphQLObjectType) else None
        self.sub_plan: Plan | None = None

    def step(self) -> Step:
        """Returns the field as the loop over a row's fields wants it."""
        leaf = leaf_of(self.type) if self.attribute else None
        exact, convert = leaf or (None, None)
        return Step(self.name, self.attribute, exact, convert, self)

    def path(self, where: Where | None) -> Path:
        """Returns the field's path in the row at `where`."""
        return Path(as_path(where), self.name, self.parent.name)


class Plan:
    """The fields of one selection on one type; keeps the selection, whose id it is known by."""

    __slots__ = ("fields", "is_type_of", "steps")

    def __init__(
        self, schema: GraphQLSchema, parent: GraphQLObjectType, fields: GroupedFieldSet
    ) -> None:
        self.fields = fields
        self.is_type_of: Callable[..., object] | None = parent.is_type_of
        self.steps = [
            PlannedField(schema, parent, name, details).step() for name, details in fields.items()
        ]

    def takes(self, value: object) -> bool:
        """Whether the plan holds for `value`: there, no error, and of the type."""
        if value is None or isinstance(value, Exception):
            return False
        return self.is_type_of is None or bool(self.is_type_of(value, None))


def as_path(where: Where | None) -> Path | None:
    """Returns the path that `where` stands for."""
    if where is None or isinstance(where, Path):
        return where
    previous, key, typename = where
    return Path(as_path(previous), key, typename)


def nullable_type(type_: GraphQLOutputType) -> GraphQLOutputType:
    """Returns the type without its `!`."""
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def attribute_of(definition: GraphQLField) -> str:
    """Returns the attribute that resolving the field reads, empty if it does anything else."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField) or definition.args or not field.is_basic_field:
        return ""
    # A field class of its own, another default resolver or a wrapped resolver may do anything.
    stock = type(field).get_result is StrawberryField.get_result
    if not stock or field.default_resolver is not getattr:
        return ""
    resolver = getattr(definition.resolve, "__name__", "")
    return field.python_name if resolver == "_get_basic_result" else ""


def is_told_apart(type_: GraphQLObjectType) -> bool:
    """Whether the type's `is_type_of` is strawberry's own, which looks at the value alone."""
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    known = isinstance(definition, StrawberryObjectDefinition) and definition.is_type_of is None
    return type_.is_type_of is None or known


def leaf_of(type_: GraphQLOutputType) -> Leaf | None:
    """Returns how values of a leaf type are shown, None where graphql-core has to decide."""
    named = nullable_type(type_)
    if isinstance(named, CustomGraphQLEnumType):
        return Leaf(named.wrapped_cls, _names(named).get)
    for known, leaf in BUILT_IN:
        if named is known:
            return leaf
    coerce = getattr(named, "coerce_output_value", None)
    return next((leaf for known, leaf in OURS if coerce is known), None)


def _names(type_: CustomGraphQLEnumType) -> dict[object, str]:
    found: dict[object, str] = {}
    members: Iterable[object] = type_.wrapped_cls
    for member in members:
        try:
            found[member] = type_.coerce_output_value(member)
        except (TypeError, ValueError):
            # Not a value of the schema, or not hashable: graphql-core will tell.
            continue
    return found


def _int_32(value: int) -> int | None:
    return value if GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT else None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


BUILT_IN: tuple[tuple[object, Leaf], ...] = (
    (GraphQLString, Leaf(str, None)),
    (GraphQLID, Leaf(str, None)),
    (GraphQLBoolean, Leaf(bool, None)),
    (GraphQLInt, Leaf(int, _int_32)),
    (GraphQLFloat, Leaf(float, _finite)),
)
OURS: tuple[tuple[object, Leaf], ...] = (
    (long_output, Leaf(int, quick_long)),
    (date_time_output, Leaf(datetime, quick_date_time)),
)
