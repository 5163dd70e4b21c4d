"""The checks of documents, and of time, that enforce the limits."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.graphql import OperationType

from domain.errors import ProvisionerError
from schema.documents import Asked, Documents
from schema.limits import Limits
from schema.measuring import NestsTooDeeply, Size, measure
from schema.refusals import (
    AliasLimit,
    DepthLimit,
    ExecutionTimeout,
    OperationUnknown,
    ParseFailed,
    RootFieldLimit,
    TokenLimit,
    ValidationFailed,
    coded,
    refused,
)


def checks(limits: Limits) -> type["CheckedDocuments"]:
    """Returns the extension that limits, validates and remembers documents, with a memory of its
    own."""

    class Checked(CheckedDocuments):
        kept = limits
        documents = Documents()

    return Checked


class CheckedDocuments(SchemaExtension):
    """Checks each document once and gives refusals their codes; made by `checks`.

    Stands first among the extensions. The limits are looked at before the rules of GraphQL, some
    of which take long on documents made to be slow.
    """

    kept: ClassVar[Limits]
    documents: ClassVar[Documents]

    def on_parse(self) -> Iterator[None]:
        """Takes the remembered document, or has it parsed."""
        context = self.execution_context
        self._known = self.documents.find(self._asked()) if context.query else None
        if self._known is not None:
            context.graphql_document = self._known
        context.parse_options["max_tokens"] = self.kept.tokens
        yield
        for error in context.pre_execution_errors or ():
            self._explain(error)

    def on_validate(self) -> Iterator[None]:
        """Checks the limits, then validates; a remembered document has passed both."""
        context, document = self.execution_context, self.execution_context.graphql_document
        if document is None:
            yield
            return
        errors = [] if document is self._known else self._findings(document)
        context.pre_execution_errors = errors or _unnamed(document, self._operation_name())
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Ends a query that takes too long; a mutation is never cut in its middle."""
        if self.execution_context.operation_type is not OperationType.QUERY:
            yield
            return
        limit = asyncio.timeout(self.kept.execution_seconds)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise refused(timeout("query", self.kept.execution_seconds)) from error

    def _asked(self) -> Asked:
        context = self.execution_context
        schema = context.schema._schema  # noqa: SLF001 -- strawberry has no public name for it
        return Asked(schema, context.validation_rules, context.query or "")

    def _operation_name(self) -> str | None:
        # `operation_name` falls back to the first operation's: a guess, where several are there.
        return self.execution_context._provided_operation_name  # noqa: SLF001

    def _explain(self, error: GraphQLError) -> None:
        tokens = self.kept.tokens
        if "more than" in error.message and "tokens" in error.message:
            error.message = f"The document has more than {tokens} tokens; ask for less at once."
            coded(error, TokenLimit.code)
        elif "nested too deeply" in error.message:
            coded(error, DepthLimit.code)
        coded(error, ParseFailed.code)

    def _findings(self, document: DocumentNode) -> list[GraphQLError]:
        asked = self._asked()
        errors = oversize(document, self.kept) or [
            coded(error, ValidationFailed.code)
            for error in validate_document(asked.schema, document, asked.rules)
        ]
        if not errors:
            self.documents.keep(asked, document)
        return errors


def oversize(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Returns what in the document is beyond the limits."""
    try:
        sizes = measure(document)
    except NestsTooDeeply:
        error = DepthLimit(f"The document nests too deeply; {limits.depth} levels are possible.")
        return [refused(error)]
    return [
        refused(error, [operation]) for operation, size in sizes for error in _beyond(size, limits)
    ]


def timeout(what: str, seconds: float) -> ExecutionTimeout:
    """Returns the error of `what` (`query`, `event`) that took longer than `seconds`."""
    return ExecutionTimeout(
        f"The {what} took longer than {seconds:g} s and was ended; ask for less at once."
    )


def _beyond(size: Size, limits: Limits) -> list[ProvisionerError]:
    found: list[ProvisionerError] = []
    if size.depth > limits.depth:
        found.append(
            DepthLimit(f"The operation is {size.depth} levels deep; {limits.depth} are possible.")
        )
    if size.aliases > limits.aliases:
        found.append(
            AliasLimit(f"The operation has {size.aliases} aliases; {limits.aliases} are possible.")
        )
    if size.fields > limits.root_fields:
        found.append(
            RootFieldLimit(
                f"The operation has {size.fields} root fields; {limits.root_fields} are possible."
            )
        )
    return found


def _unnamed(document: DocumentNode, operation_name: str | None) -> list[GraphQLError]:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if operation_name is not None or len(operations) < 2:
        return []
    error = OperationUnknown("The document has several operations; name one in operationName.")
    return [refused(error, operations)]
