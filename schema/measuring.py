"""How large an operation is: its depth, its aliases and its root fields, all fragments spread."""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

MOST_LEVELS = 100
"""Fragments inside fragments add no depth, but take Python's stack; no client nests so far."""


@dataclass(frozen=True, slots=True)
class Size:
    """`depth` counts levels of fields, the innermost included; introspection has none.

    `aliases` and `fields` count every spread of a fragment again; `fields` are those directly in
    the selection, so of an operation its root fields.
    """

    depth: int = 0
    aliases: int = 0
    fields: int = 0


class NestsTooDeeply(Exception):
    """The selections nest beyond `MOST_LEVELS`."""


def measure(document: DocumentNode) -> list[tuple[OperationDefinitionNode, Size]]:
    """Returns the size of each operation; raises `NestsTooDeeply`.

    Each fragment is measured once, so the time grows with the text alone; what is circular or
    unknown counts nothing (validation tells of it).
    """
    ruler = _Ruler(document)
    return [
        (node, ruler.selections(node.selection_set, 0))
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]


class _Ruler:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def selections(self, selections: SelectionSetNode | None, level: int) -> Size:
        if selections is None:
            return Size()
        if level > MOST_LEVELS:
            raise NestsTooDeeply
        sizes = [self._one(selection, level + 1) for selection in selections.selections]
        return Size(
            depth=max(size.depth for size in sizes),
            aliases=sum(size.aliases for size in sizes),
            fields=sum(size.fields for size in sizes),
        )

    def _one(self, selection: SelectionNode, level: int) -> Size:
        if isinstance(selection, FieldNode):
            inner = self.selections(selection.selection_set, level)
            # Introspection describes the schema, whose depth is not the client's doing;
            # graphql-core's MaxIntrospectionDepthRule keeps it from going round in circles.
            depth = 0 if selection.name.value.startswith("__") else inner.depth + 1
            return Size(depth, inner.aliases + (selection.alias is not None), 1)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value, level)
        if isinstance(selection, InlineFragmentNode):
            return self.selections(selection.selection_set, level)
        return Size()

    def _fragment(self, name: str, level: int) -> Size:
        if name not in self._measured:
            # Met again while it is measured, the fragment is circular.
            self._measured[name] = Size()
            fragment = self._fragments.get(name)
            inner = fragment.selection_set if fragment else None
            self._measured[name] = self.selections(inner, level)
        return self._measured[name]
