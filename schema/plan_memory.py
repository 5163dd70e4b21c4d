"""What was planned of an operation, kept for as long as its document is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import ReferenceType, ref

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
)

from schema.plans import Plan


@dataclass(slots=True)
class Plans:
    """The plans of one operation.

    `sub_fields` is graphql-core's own memory of collected sub-fields, keyed by type and by the
    identity of the fields they belong to; `roots` makes the first of these identities last.
    """

    schema: GraphQLSchema
    roots: dict[str, GroupedFieldSet] = field(default_factory=dict)
    sub_fields: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, CollectedFields]] = (
        field(default_factory=dict)
    )
    _plans: dict[int, Plan] = field(default_factory=dict)

    def of(self, parent: GraphQLObjectType, fields: GroupedFieldSet) -> Plan:
        """Returns the plan of `fields`, which were collected for `parent`."""
        plan = self._plans.get(id(fields))
        if plan is None:
            plan = self._plans[id(fields)] = Plan(self.schema, parent, fields)
        return plan


@dataclass(frozen=True, slots=True)
class _Kept:
    operation: ReferenceType[OperationDefinitionNode]
    fragments: tuple[FragmentDefinitionNode, ...]
    plans: Plans | None

    def holds(self, schema: GraphQLSchema, fragments: tuple[FragmentDefinitionNode, ...]) -> bool:
        same = len(fragments) == len(self.fragments) and all(
            mine is other for mine, other in zip(self.fragments, fragments, strict=True)
        )
        return same and (self.plans is None or self.plans.schema is schema)


class PlanMemory:
    """The plans of every operation whose selections are the same in each run.

    Directives (`@skip`, `@include`) may change them with the variables; such an operation is
    planned anew each time.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def plans(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
    ) -> Plans:
        """Returns the plans to use for a run of `operation`."""
        nodes = tuple(fragment.definition for fragment in fragments.values())
        kept = self._kept.get(id(operation))
        if kept is None or not kept.holds(schema, nodes):
            kept = self._keep(schema, operation, nodes)
        return kept.plans or Plans(schema)

    def _keep(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: tuple[FragmentDefinitionNode, ...],
    ) -> _Kept:
        key = id(operation)
        # Plans hold parts of the operation, never itself: they go when its document goes.
        gone = ref(operation, lambda _: self._kept.pop(key, None))
        plans = Plans(schema) if _is_always_the_same(operation, fragments) else None
        kept = self._kept[key] = _Kept(gone, fragments, plans)
        return kept


def _is_always_the_same(
    operation: OperationDefinitionNode, fragments: tuple[FragmentDefinitionNode, ...]
) -> bool:
    if any(fragment.variable_definitions for fragment in fragments):
        return False
    waiting: list[SelectionSetNode] = [operation.selection_set]
    waiting += [fragment.selection_set for fragment in fragments]
    while waiting:
        for selection in waiting.pop().selections:
            if selection.directives:
                return False
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                waiting.append(selection.selection_set)
    return True
