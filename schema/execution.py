"""The executor: graphql-core's, with a short way for fields that only read an attribute.

The answer is the stock one in every case. Paths and resolve infos are built when an error or a
resolver needs them; what is known of a field is decided once for each selection, and for
documents without directives once for all requests.
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast

from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType
from graphql.execution.collect_fields import DeferUsage, FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import collect_iterator_awaitables, to_nodes
from graphql.execution.incremental.incremental_executor import DeliveryGroupMap
from graphql.pyutils import AwaitableOrValue, Path, Undefined, gather_with_cancel
from graphql.type import GraphQLResolveInfo
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.plan_memory import PlanMemory
from schema.plans import Plan, PlannedField, Where, as_path, is_told_apart, leaf_of, nullable_type

Row: TypeAlias = dict[str, object]
ResolveInfo: TypeAlias = GraphQLResolveInfo[object]


@dataclass(frozen=True, slots=True)
class _List:
    """The list whose items are completed."""

    item_type: GraphQLOutputType
    details: FieldDetailsList
    info: ResolveInfo
    path: Path


class QuickExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation.

    A field's error is an answer in GraphQL: errors are caught wherever graphql-core 3.3.2 catches
    them (`execute_field`, `complete_list_item_value` in its `executor.py`), and handed to its
    `handle_field_error`.
    """

    memory: ClassVar[PlanMemory] = PlanMemory()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- graphql-core's own
        super().__init__(*args, **kwargs)
        self._plans = self.memory.plans(self.schema, self.operation, self.fragments)
        self._relevant_sub_fields = self._plans.sub_fields
        manager = self.middleware_manager
        self._is_plain = manager is None or not manager.middlewares

    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: object,
        grouped_field_set: GroupedFieldSet,
        serially: bool,  # noqa: FBT001 -- graphql-core's signature
        new_defer_usages: Sequence[DeferUsage],
    ) -> AwaitableOrValue[Row]:
        """Executes the root fields: the very same lists of fields in each run, so that what hangs
        on their identity lasts."""
        if not new_defer_usages:
            roots = self._plans.roots
            grouped_field_set = roots.setdefault(root_type.name, grouped_field_set)
        return super().execute_collected_root_fields(
            root_type, root_value, grouped_field_set, serially, new_defer_usages
        )

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: DeliveryGroupMap | None,
    ) -> AwaitableOrValue[Row]:
        """Executes the fields of one object."""
        if position_context is not None or not self._is_plain:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        return self._row(self._plans.of(parent_type, grouped_field_set), source_value, path)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: ResolveInfo,
        path: Path,
        items: Iterable[object],
        position_context: DeliveryGroupMap | None,
    ) -> AwaitableOrValue[list[object]]:
        """Completes a list, its objects by their plan."""
        # A directive may be @stream, whose lists are not completed here.
        is_plain = position_context is None and self._is_plain
        if is_plain and not field_details_list[0].node.directives:
            leaves = _leaves(item_type, items)
            if leaves is not None:
                return leaves
            plan = self._plan(nullable_type(item_type), field_details_list)
            if plan is not None:
                return self._rows(plan, _List(item_type, field_details_list, info, path), items)
        return super().complete_iterable_value(
            item_type, field_details_list, info, path, items, position_context
        )

    def _plan(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Plan | None:
        if not isinstance(type_, GraphQLObjectType) or not is_told_apart(type_):
            return None
        collected = self.collect_subfields(type_, details)
        if collected.new_defer_usages:
            return None
        return self._plans.of(type_, collected.grouped_field_set)

    def _row(  # noqa: C901 -- the hot loop: a call for each field costs more than the field
        self, plan: Plan, source: object, where: Where | None
    ) -> AwaitableOrValue[Row]:
        row: Row = {}
        waiting: list[str] = []
        try:
            for name, attribute, exact, convert, field in plan.steps:
                if exact is None:
                    value = self._complete_other(field, source, where)
                    if value is Undefined:
                        continue
                else:
                    try:
                        value = getattr(source, attribute)
                    except Exception as error:  # noqa: BLE001 -- see the class
                        self._failed(field, where, error)
                        row[name] = None
                        continue
                    if type(value) is exact:
                        shown = value if convert is None else convert(value)
                        if shown is not None:
                            row[name] = shown
                            continue
                    value = self._complete(field, where, value)
                row[name] = value
                if self.is_awaitable(value):
                    waiting.append(name)
        except Exception:
            if waiting:
                self.settle_in_background([cast("Awaitable[object]", row[n]) for n in waiting])
            raise
        return _row_later(row, waiting) if waiting else row

    def _complete_other(self, field: PlannedField, source: object, where: Where | None) -> object:
        if field.constant is not None:
            return field.constant
        if field.object_type is None:
            return self.execute_field(field.parent, source, field.details, field.path(where), None)
        try:
            value = getattr(source, field.attribute)
        except Exception as error:  # noqa: BLE001 -- see the class
            self._failed(field, where, error)
            return None
        plan = field.sub_plan = field.sub_plan or self._plan(field.object_type, field.details)
        if plan is None or self.is_awaitable(value) or not plan.takes(value):
            return self._complete(field, where, value)
        try:
            row = self._row(plan, value, (where, field.name, field.parent.name))
        except Exception as error:  # noqa: BLE001 -- see the class
            self._failed(field, where, error)
            return None
        return row if isinstance(row, dict) else self._later(row, field, where)

    def _complete(self, field: PlannedField, where: Where | None, value: object) -> object:
        """Completes what an attribute held as graphql-core does, from where it was read."""
        if value is None and field.nullable:
            return None
        path, definition = field.path(where), cast("GraphQLField", field.definition)
        info = self.build_resolve_info(definition, to_nodes(field.details), field.parent, path)
        arguments = (field.type, field.details, info, path, value, None)
        try:
            if self.is_awaitable(value):
                return self.complete_awaitable_value(*arguments)
            completed = self.complete_value(*arguments)
        except Exception as error:  # noqa: BLE001 -- see the class
            self._failed(field, where, error)
            return None
        return self._later(completed, field, where) if self.is_awaitable(completed) else completed

    async def _later(
        self, completed: Awaitable[object], field: PlannedField, where: Where | None
    ) -> object:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 -- see the class
            self._failed(field, where, error)
            return None

    def _failed(self, field: PlannedField, where: Where | None, error: Exception) -> None:
        self.handle_field_error(error, field.type, field.details, field.path(where))

    def _rows(
        self, plan: Plan, inside: _List, items: Iterable[object]
    ) -> AwaitableOrValue[list[object]]:
        rows: list[object] = []
        waiting: list[int] = []
        iterator = iter(items)
        try:
            for item in iterator:
                is_late = self._add(item, rows, inside, plan)
                if is_late:
                    waiting.append(len(rows) - 1)
        except Exception:
            # What the rest of the list holds may have to be awaited too.
            late = [cast("Awaitable[object]", rows[index]) for index in waiting]
            late += collect_iterator_awaitables(iterator, self.is_awaitable)
            if late:
                self.settle_in_background(late)
            raise
        return _rows_later(rows, waiting) if waiting else rows

    def _add(self, item: object, rows: list[object], inside: _List, plan: Plan) -> bool:
        """Adds one completed item; returns whether it has to be awaited."""
        where: Where = (inside.path, len(rows), None)
        is_awaitable = self.is_awaitable(item)
        if is_awaitable or not plan.takes(item):
            return self._add_other(item, rows, inside, is_awaitable=is_awaitable)
        try:
            row = self._row(plan, item, where)
        except Exception as error:  # noqa: BLE001 -- see the class
            self._item_failed(error, inside, where)
            rows.append(None)
            return False
        if isinstance(row, dict):
            rows.append(row)
            return False
        rows.append(self._item_later(row, inside, where))
        return True

    def _add_other(
        self, item: object, rows: list[object], inside: _List, *, is_awaitable: bool
    ) -> bool:
        path = inside.path.add_key(len(rows))
        item_type, details, info = inside.item_type, inside.details, inside.info
        if not is_awaitable:
            return self.complete_list_item_value(item, rows, item_type, details, info, path, None)
        rows.append(
            self.complete_awaitable_list_item_value(item, item_type, details, info, path, None)
        )
        return True

    async def _item_later(self, row: Awaitable[Row], inside: _List, where: Where) -> Row | None:
        try:
            return await row
        except Exception as error:  # noqa: BLE001 -- see the class
            self._item_failed(error, inside, where)
            return None

    def _item_failed(self, error: Exception, inside: _List, where: Where) -> None:
        path = cast("Path", as_path(where))
        self.handle_field_error(error, inside.item_type, inside.details, path)


def _leaves(item_type: GraphQLOutputType, items: Iterable[object]) -> list[object] | None:
    """Returns the list as it is shown, None unless every item is quickly shown."""
    leaf = leaf_of(item_type)
    # Only of these two it is certain that looking at the items changes nothing.
    if leaf is None or type(items) not in (list, tuple):
        return None
    exact, convert = leaf
    shown = list(items)
    if any(type(item) is not exact for item in shown):
        return None
    if convert is not None:
        shown = [convert(item) for item in shown]
    return None if any(item is None for item in shown) else shown


async def _row_later(row: Row, waiting: list[str]) -> Row:
    found = await _all([cast("Awaitable[object]", row[name]) for name in waiting])
    row.update(zip(waiting, found, strict=True))
    return row


async def _rows_later(rows: list[object], waiting: list[int]) -> list[object]:
    found = await _all([cast("Awaitable[object]", rows[index]) for index in waiting])
    for index, row in zip(waiting, found, strict=True):
        rows[index] = row
    return rows


async def _all(awaitables: list[Awaitable[object]]) -> list[object]:
    if len(awaitables) == 1:
        return [await awaitables[0]]
    return list(await gather_with_cancel(*awaitables))
