"""The one mapping of errors to GraphQL: `Problem` for mutations, `extensions.code` elsewhere."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension, MaskErrors
from strawberry.types import Info, StreamExecutionResult
from strawberry.types.execution import ExecutionResult

from domain.errors import ProvisionerError
from resolvers.statuses import natural_status

log = logging.getLogger("provisioner.graphql")


@strawberry.type(description="Why a change was not made. Nothing was changed.")
class Problem:
    """An expected failure of a mutation."""

    code: str = strawberry.field(description="The error's code, the same as over REST.")
    title: str = strawberry.field(description="What kind of failure it is, in two or three words.")
    detail: str = strawberry.field(description="A sentence: what, which one, what to do.")
    field: str | None = strawberry.field(
        description="The input that is wrong; null when no single input is."
    )
    status: int = strawberry.field(description="The HTTP status that fits this failure.")
    remedy: str = strawberry.field(description="What to do about it.")


def problem_of(error: ProvisionerError) -> Problem:
    """Returns the error as clients see it."""
    return Problem(
        code=error.code,
        title=error.title,
        detail=error.message,
        field=error.field,
        status=natural_status(type(error)),
        remedy=error.remedy,
    )


class Problems(FieldExtension):
    """Makes a mutation answer `Problem` for every failure that the domain expects."""

    async def resolve_async(
        self,
        next_: Callable[..., Awaitable[object]],
        source: object,
        info: Info,
        **kwargs: Any,  # noqa: ANN401 -- the arguments of whatever field it stands on
    ) -> object:
        """Runs the field."""
        try:
            return await next_(source, info, **kwargs)
        except ProvisionerError as error:
            return problem_of(error)


class Masked(MaskErrors):
    """Gives expected errors their code and hides all others behind a correlation id.

    Covers queries, mutations and each frame of a subscription.
    """

    def __init__(self) -> None:
        super().__init__(should_mask_error=_is_raised)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Hides nothing where nothing went wrong, which is every frame of most subscriptions."""
        if isinstance(result, ExecutionResult) and not result.errors:
            yield
        else:
            yield from super().on_stream_result(result)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """Returns the error as the client may see it."""
        original = error.original_error
        if isinstance(original, ProvisionerError):
            return _with(error, original.message, extensions_of(original))
        correlation_id = self._correlation_id()
        log.error("unexpected error, correlation id %s", correlation_id, exc_info=original)
        message = f"Something unexpected went wrong; the log has it under {correlation_id}."
        return _with(error, message, {"code": "INTERNAL", "correlationId": correlation_id})

    def _correlation_id(self) -> str:
        caller = getattr(self.execution_context.context, "caller", None)
        return str(getattr(caller, "correlation_id", "unknown"))


def extensions_of(error: ProvisionerError) -> dict[str, object]:
    """Returns the `extensions` of an expected error."""
    known: dict[str, object] = {
        "code": error.code,
        "title": error.title,
        "status": natural_status(type(error)),
        "remedy": error.remedy,
    }
    if error.detail:
        known["subject"] = error.detail
    if error.field:
        known["field"] = error.field
    return known


def _is_raised(error: GraphQLError) -> bool:
    """Whether a resolver raised it; what GraphQL itself refuses is told as it is."""
    return error.original_error is not None and not isinstance(error.original_error, GraphQLError)


def _with(error: GraphQLError, message: str, extensions: dict[str, object]) -> GraphQLError:
    return GraphQLError(
        message=message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
