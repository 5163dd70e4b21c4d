"""The executor of this service: quick, in limits, mutations uncut and subscriptions shared."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, ClassVar, cast

from graphql import ExecutionResult, GraphQLError
from graphql.execution import Executor, ExperimentalIncrementalExecutionResults
from graphql.language import OperationType
from graphql.pyutils import AwaitableOrValue
from strawberry.types.execution import ExecutionResult as StrawberryResult

from schema.document_checks import timeout
from schema.execution import QuickExecutor
from schema.limits import Limits
from schema.plan_memory import PlanMemory
from schema.refusals import VariablesInvalid, coded, refused
from schema.shared_subscriptions import (
    FrameKey,
    SharedFrame,
    SharedFrames,
    is_restartable,
    key_of,
    scope_of,
)
from schema.uncut import UncutWork


def station_executor(limits: Limits) -> type["StationExecutor"]:
    """Returns the class to give to `strawberry.Schema(execution_context_class=...)`, with its own
    plans, frames and work."""

    class Limited(StationExecutor):
        memory = PlanMemory()
        frames = SharedFrames()
        work = UncutWork()
        event_seconds = limits.execution_seconds

    return Limited


class StationExecutor(QuickExecutor):
    """Executes one operation, or one event of a subscription; made by `station_executor`."""

    frames: ClassVar[SharedFrames] = SharedFrames()
    work: ClassVar[UncutWork] = UncutWork()
    event_seconds: ClassVar[float] = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- graphql-core's own
        super().__init__(*args, **kwargs)
        kind = self.operation.operation
        context = self.context_value if kind is OperationType.SUBSCRIPTION else None
        self._scope = scope_of(self.schema, self.operation, self.variable_values, context)

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> list[GraphQLError] | Executor[Any]:  # noqa: ANN401 -- graphql-core's own
        """Builds an executor, or says what is wrong with the variables."""
        built = super().build(*args, **kwargs)
        if isinstance(built, list):
            return [coded(error, VariablesInvalid.code) for error in built]
        return built

    def execute_operation(
        self,
        serially: bool | None = None,  # noqa: FBT001 -- graphql-core's signature
    ) -> AwaitableOrValue[ExecutionResult | ExperimentalIncrementalExecutionResults]:
        """Executes the operation; for a subscription, one of its events."""
        kind = self.operation.operation
        if kind is OperationType.SUBSCRIPTION:
            # Strawberry takes its own kind of result as it is.
            return cast("AwaitableOrValue[ExecutionResult]", self._event())
        result = super().execute_operation(serially)
        if kind is OperationType.MUTATION and self.is_awaitable(result):
            return self._uncut(result)
        return result

    async def _uncut(
        self, result: Awaitable[ExecutionResult | ExperimentalIncrementalExecutionResults]
    ) -> ExecutionResult | ExperimentalIncrementalExecutionResults:
        # A client that leaves cancels who waits for the change, never the change.
        return await asyncio.shield(self.work.start(result))

    def _event(self) -> AwaitableOrValue[ExecutionResult | StrawberryResult]:
        key = key_of(self._scope, self.root_value)
        if key is None:
            return self._execution()
        frame = self.frames.find(key)
        if frame is None:
            begun = self.frames.begin(key, is_restartable=is_restartable(self.root_value))
            return self._begun(key, begun)
        return frame.joined() if frame.result is None else frame.read()

    def _begun(self, key: FrameKey, frame: SharedFrame) -> AwaitableOrValue[StrawberryResult]:
        try:
            result = self._execution()
        except Exception:
            self.frames.forget(key)
            raise
        if isinstance(result, ExecutionResult):
            frame.result = result
            return frame.read()
        frame.task = self.work.start(result)
        frame.task.add_done_callback(partial(self._done, key))
        return frame.joined()

    def _done(self, key: FrameKey, task: asyncio.Task[ExecutionResult]) -> None:
        if task.cancelled() or task.exception() is not None:
            self.frames.forget(key)

    def _execution(self) -> AwaitableOrValue[ExecutionResult]:
        result = cast(
            "AwaitableOrValue[ExecutionResult]", super().execute_operation(serially=False)
        )
        return result if isinstance(result, ExecutionResult) else self._in_time(result)

    async def _in_time(self, result: Awaitable[ExecutionResult]) -> ExecutionResult:
        limit = asyncio.timeout(self.event_seconds)
        try:
            async with limit:
                return await result
        except TimeoutError:
            if not limit.expired():
                raise
        return ExecutionResult(None, [refused(timeout("event", self.event_seconds))])
