"""Documents: parsed and validated once each, remembered, and executed within the time limit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension

from schema.limits import Limits, refused, size_rule

REMEMBERED = 512
"""How many different documents are kept."""


class Documents:
    """Parses and validates within `limits`; the same text is read and judged once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        # One tuple of rules for ever: rules made anew for each request would never be remembered.
        self._rules = (*specified_rules, size_rule(limits))
        self.parsed = lru_cache(REMEMBERED)(self._parse)
        self.findings = lru_cache(REMEMBERED)(self._validate)

    def _parse(self, query: str) -> DocumentNode:
        return parse(query, max_tokens=self.limits.tokens)

    def _validate(self, schema: GraphQLSchema, document: DocumentNode) -> tuple[GraphQLError, ...]:
        found = validate(schema, document, self._rules)
        return tuple(coded(error, "GRAPHQL_VALIDATION_FAILED") for error in found)


class CheckedDocuments(SchemaExtension):
    """Uses `Documents` in place of strawberry's own parsing and validation."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        """Parses, or takes the remembered document."""
        try:
            document = self._documents.parsed(self.execution_context.query or "")
        except GraphQLSyntaxError as error:
            many = "tokens" in error.message
            raise coded(error, "TOKEN_LIMIT" if many else "GRAPHQL_PARSE_FAILED") from error
        except RecursionError as error:
            raise refused("The document nests too deeply to be read.", "DEPTH_LIMIT") from error
        self.execution_context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        """Validates, or takes the remembered findings."""
        context = self.execution_context
        document = cast("DocumentNode", context.graphql_document)
        schema = context.schema._schema  # noqa: SLF001 -- strawberry has no public name for it
        context.pre_execution_errors = list(self._documents.findings(schema, document))
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Ends a query that takes too long; a mutation is never cut in its middle."""
        if self._operation() is not OperationType.QUERY:
            yield
            return
        seconds = self._documents.limits.execution_seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            message = f"The query took longer than {seconds:g} s and was ended."
            raise refused(message, "EXECUTION_TIMEOUT") from error

    def _operation(self) -> OperationType | None:
        context = self.execution_context
        document = cast("DocumentNode", context.graphql_document)
        found: OperationDefinitionNode | None = get_operation_ast(document, context.operation_name)
        return found.operation if found else None


def checks(limits: Limits) -> Callable[[], CheckedDocuments]:
    """Returns the factory of the extension for one schema; all its requests share the memory."""
    documents = Documents(limits)
    return lambda: CheckedDocuments(documents)


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """Returns the error with `extensions.code`, unless it has one."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error
