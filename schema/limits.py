"""The limits that every operation keeps, and the rule that measures documents by them."""

from collections.abc import Collection
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.validation import ASTValidationContext, ASTValidationRule

from domain.paging import MOST


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask at once; told to it in `station { limits }` (design 2.2)."""

    depth: int = 15
    tokens: int = 2000
    aliases: int = 30
    page_size: int = MOST
    body_bytes: int = 1 << 20
    operations_per_socket: int = 100
    execution_seconds: float = 30.0


def refused(message: str, code: str, node: OperationDefinitionNode | None = None) -> GraphQLError:
    """Returns the error of an operation that goes beyond a limit; `code` is its
    `extensions.code`."""
    return GraphQLError(message, [node] if node else None, extensions={"code": code})


def size_rule(limits: Limits) -> type[ASTValidationRule]:
    """Returns the validation rule of depth and aliases."""

    class SizeRule(ASTValidationRule):
        """Refuses operations that nest deeper or have more aliases than the limits."""

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            measure = _Measure(self.context)
            depth = measure.depth(node.selection_set, frozenset())
            if depth > limits.depth:
                message = f"The operation is {depth} levels deep; {limits.depth} are possible."
                self.report_error(refused(message, "DEPTH_LIMIT", node))
            if measure.aliases > limits.aliases:
                message = (
                    f"The operation has {measure.aliases} aliases; {limits.aliases} are possible."
                )
                self.report_error(refused(message, "ALIAS_LIMIT", node))

    return SizeRule


class _Measure:
    """Depth and aliases of one operation; each fragment is measured once, circles are left out."""

    def __init__(self, context: ASTValidationContext) -> None:
        self._context = context
        self._depths: dict[str, int] = {}
        self.aliases = 0

    def depth(self, selections: SelectionSetNode | None, above: Collection[str]) -> int:
        """Returns how many levels of fields lie below."""
        if selections is None:
            return 0
        return max((self._one(selection, above) for selection in selections.selections), default=0)

    def _one(self, selection: object, above: Collection[str]) -> int:
        if isinstance(selection, FieldNode):
            self.aliases += selection.alias is not None
            # Introspection describes the schema, whose depth is not the client's doing.
            if selection.name.value.startswith("__"):
                return 0
            return 1 + self.depth(selection.selection_set, above)
        if isinstance(selection, InlineFragmentNode):
            return self.depth(selection.selection_set, above)
        if isinstance(selection, FragmentSpreadNode):
            return self._spread(selection.name.value, above)
        return 0

    def _spread(self, name: str, above: Collection[str]) -> int:
        fragment = self._fragment(name)
        if fragment is None or name in above:
            return 0
        if name not in self._depths:
            self._depths[name] = self.depth(fragment.selection_set, {*above, name})
        return self._depths[name]

    def _fragment(self, name: str) -> FragmentDefinitionNode | None:
        definitions = self._context.document.definitions
        fragments = (d for d in definitions if isinstance(d, FragmentDefinitionNode))
        return next((found for found in fragments if found.name.value == name), None)
