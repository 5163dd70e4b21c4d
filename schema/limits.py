"""The limits that every operation keeps, and the checks of documents that enforce them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, ValidationContext
from strawberry.extensions import SchemaExtension

from domain.paging import MOST

DOCUMENTS = 512
"""How many different documents are remembered, parsed and validated."""


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


def checks(limits: Limits) -> type["CheckedDocuments"]:
    """Returns the extension that parses, validates and limits documents, and remembers them."""
    rules = (*specified_rules, _size_rule(limits))

    @lru_cache(DOCUMENTS)
    def parsed(query: str) -> DocumentNode:
        return parse(query, max_tokens=limits.tokens)

    @lru_cache(DOCUMENTS)
    def validated(schema: GraphQLSchema, document: DocumentNode) -> tuple[GraphQLError, ...]:
        return tuple(
            coded(e, "GRAPHQL_VALIDATION_FAILED") for e in validate(schema, document, rules)
        )

    class Checked(CheckedDocuments):
        _parsed = staticmethod(parsed)
        _validated = staticmethod(validated)
        _seconds = limits.execution_seconds

    return Checked


class CheckedDocuments(SchemaExtension):
    """Parses and validates each document once, and gives refusals their codes; see `checks`."""

    def on_parse(self) -> Iterator[None]:
        """Parses, or takes the remembered document."""
        try:
            self.execution_context.graphql_document = self._parsed(
                self.execution_context.query or ""
            )
        except GraphQLSyntaxError as error:
            many = "tokens" in error.message
            raise coded(error, "TOKEN_LIMIT" if many else "GRAPHQL_PARSE_FAILED") from error
        except RecursionError as error:
            raise _refused("The document nests too deeply to be read.", "DEPTH_LIMIT") from error
        yield

    def on_validate(self) -> Iterator[None]:
        """Validates, or takes the remembered findings."""
        context = self.execution_context
        document = cast("DocumentNode", context.graphql_document)
        schema = cast("GraphQLSchema", context.schema._schema)  # noqa: SLF001 -- no public name
        context.pre_execution_errors = list(self._validated(schema, document))
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Ends a query that takes too long; a mutation is never cut in its middle."""
        context = self.execution_context
        document = cast("DocumentNode", context.graphql_document)
        if context.operation_type.value != "QUERY" and _kind(document) != "query":
            yield
            return
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as error:
            message = f"The query took longer than {self._seconds:g} s and was ended."
            raise _refused(message, "EXECUTION_TIMEOUT") from error


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """Returns the error with `extensions.code`, unless it has one."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def _kind(document: DocumentNode) -> str:
    found = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return found[0].operation.value if found else ""


def _refused(message: str, code: str, node: OperationDefinitionNode | None = None) -> GraphQLError:
    return GraphQLError(message, [node] if node else None, extensions={"code": code})


def _size_rule(limits: Limits) -> type[ASTValidationRule]:
    class SizeRule(ASTValidationRule):
        """Refuses operations that nest deeper or have more aliases than the limits."""

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            measure = _Measure(self.context)
            depth = measure.depth(node.selection_set, frozenset())
            if depth > limits.depth:
                message = f"The operation is {depth} levels deep; {limits.depth} are possible."
                self.report_error(_refused(message, "DEPTH_LIMIT", node))
            if measure.aliases > limits.aliases:
                message = (
                    f"The operation has {measure.aliases} aliases; {limits.aliases} are possible."
                )
                self.report_error(_refused(message, "ALIAS_LIMIT", node))

    return SizeRule


class _Measure:
    """Depth and aliases of one operation; each fragment is measured once, circles are left out."""

    def __init__(self, context: ValidationContext) -> None:
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
        fragment: FragmentDefinitionNode | None = self._context.get_fragment(name)
        if fragment is None or name in above:
            return 0
        if name not in self._depths:
            self._depths[name] = self.depth(fragment.selection_set, {*above, name})
        return self._depths[name]
