"""Frames of subscriptions that several subscribers share: one execution, one encoding.

Subscribers share when they sent the same document, operation name and variables, their contexts
have the same `share_key` (the role decides what is seen), and the event says that it is the same
for all: it carries the hub's `sequence` and whether it is a `snapshot`, as `domain.events.Update`
does. Each opens its own source, so each gets its own first snapshot; from then on most follow one
of them (`schema.broadcasts`), each at its own pace.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import orjson
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues
from strawberry.types.execution import ExecutionResult as StrawberryResult

from schema.payloads import answer_of, encode

MOST_FRAMES = 256
MOST_CHARACTERS = 8 << 20
"""How much encoded text is kept; frames are wanted for some milliseconds only."""
FRESH_SECONDS = 1.0
"""What comes later is executed again: a log or another file may say more by then, without an
event."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who shares: everybody with an equal scope."""

    schema: GraphQLSchema
    document: str
    operation: str
    variables: bytes
    share_key: Hashable


@dataclass(frozen=True, slots=True)
class FrameKey:
    """One event as one scope sees it."""

    scope: Scope
    sequence: int
    snapshot: bool


@dataclass(slots=True, eq=False)
class SharedFrame:
    """The result of one event and, once somebody sent it, its text.

    Errors are masked for the first that is sent; the text is that one's for all, so that an error
    reaches everybody alike.
    """

    key: FrameKey | None = None
    is_restartable: bool = False
    frames: "SharedFrames | None" = field(default=None, repr=False)
    begun_at: float = 0.0
    task: asyncio.Task[ExecutionResult] | None = None
    result: ExecutionResult | None = None
    text: str | None = None

    async def joined(self) -> "SharedResult":
        """Waits for the execution that another reader began; leaving does not end it."""
        if self.task is not None:
            result = await asyncio.shield(self.task)
            if self.text is None:
                self.result = result
        return self.read()

    def encoded(self, result: StrawberryResult) -> str:
        """Returns the frame's payload as JSON; `result` is this frame's, masked for one reader."""
        if result.extensions:
            # What an extension adds may be of this reader alone.
            return encode(answer_of(result)).decode()
        if self.text is None:
            self.text = encode(answer_of(result)).decode()
            self._let_go()
            if self.frames is not None:
                self.frames.weigh(self.text)
        return self.text

    def read(self) -> "SharedResult":
        """Returns the result for one reader."""
        result = self.result
        if result is None:
            raise LookupError("the frame has no result yet")
        errors = list(result.errors) if result.errors else None
        return SharedResult(result.data, errors, frame=self)

    def _let_go(self) -> None:
        # Once the text is there, its errors have been logged and masked: not again for each reader.
        # Through their tracebacks they would keep the whole execution, its document included.
        self.task = None
        if self.result is not None:
            self.result = ExecutionResult(self.result.data, None)


@dataclass
class SharedResult(StrawberryResult):
    """A result that knows the frame it is of."""

    frame: SharedFrame = field(default_factory=SharedFrame)


class SharedFrames:
    """The newest frames, a bounded number and a bounded text, for a moment; `clock` is
    monotonic."""

    def __init__(
        self,
        most_frames: int = MOST_FRAMES,
        most_characters: int = MOST_CHARACTERS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._most_frames = most_frames
        self._most_characters = most_characters
        self._characters = 0
        self._frames: OrderedDict[FrameKey, SharedFrame] = OrderedDict()
        self.executions = 0
        self.shared = 0

    def __len__(self) -> int:
        return len(self._frames)

    def find(self, key: FrameKey) -> SharedFrame | None:
        """Returns the frame, finished or not, if somebody began it just now."""
        frame = self._frames.get(key)
        if frame is not None and self._clock() - frame.begun_at > FRESH_SECONDS:
            self.forget(key)
            return None
        self.shared += frame is not None
        return frame

    def begin(self, key: FrameKey, *, is_restartable: bool = False) -> SharedFrame:
        """Returns a new frame for `key`, to be filled by who asks."""
        self.executions += 1
        frame = SharedFrame(key, is_restartable, frames=self, begun_at=self._clock())
        self._frames[key] = frame
        self._shrink()
        return frame

    def forget(self, key: FrameKey) -> None:
        """Takes a frame out, that could not be filled or is old."""
        self._drop(self._frames.pop(key, None))

    def weigh(self, text: str) -> None:
        """Counts the text of a frame; what is too much goes, the oldest first."""
        self._characters += len(text)
        self._shrink()

    def _shrink(self) -> None:
        too_many = len(self._frames) > self._most_frames
        while self._frames and (too_many or self._characters > self._most_characters):
            self._drop(self._frames.popitem(last=False)[1])
            too_many = len(self._frames) > self._most_frames

    def _drop(self, frame: SharedFrame | None) -> None:
        if frame is not None:
            frame.frames = None
            self._characters -= len(frame.text or "")


def scope_of(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    variables: VariableValues,
    context: object,
) -> Scope | None:
    """Returns who shares with this subscriber, None if nobody may."""
    share_key = getattr(context, "share_key", None)
    if share_key is None or operation.loc is None:
        return None
    try:
        sent = orjson.dumps(variables.coerced, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    name = operation.name.value if operation.name else ""
    return Scope(schema, operation.loc.source.body, name, sent, share_key)


def key_of(scope: Scope | None, event: object) -> FrameKey | None:
    """Returns the key of `event` in `scope`, None if it is not to be shared.

    An event that carries `sequence` and `snapshot` is the same for everybody who follows the same
    view, unless it has an attribute `shareable` that is False.
    """
    sequence = getattr(event, "sequence", None)
    snapshot = getattr(event, "snapshot", None)
    if scope is None or type(sequence) is not int or type(snapshot) is not bool:
        return None
    if getattr(event, "shareable", True) is not True:
        return None
    return FrameKey(scope, sequence, snapshot)


def is_restartable(event: object) -> bool:
    """Whether who missed frames of this view may begin again with a snapshot; so it is unless the
    event has an attribute `restartable` that is False."""
    return getattr(event, "restartable", True) is True
