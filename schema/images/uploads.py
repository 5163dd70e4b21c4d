"""Uploads as GraphQL clients see and steer them."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from domain.events import Update
from domain.uploads.kinds import UploadKind
from domain.uploads.progress import Upload as KnownUpload
from domain.uploads.progress import UploadPhase
from resolvers.images.uploads import begin_upload, cancel_upload, list_uploads, watch_uploads
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.scalars import Long

describe_enum(
    UploadKind,
    description="What is done with the bytes of an upload.",
    values={
        UploadKind.PLAIN: "They are stored as they are.",
        UploadKind.COMPRESSED: "They are decompressed while they arrive.",
        UploadKind.ARCHIVE: "They are unpacked into the folder of an IDP artefact.",
    },
)
describe_enum(
    UploadPhase,
    description="What an upload is doing.",
    values={
        UploadPhase.WAITING: "It is resumable, and its client is not sending now.",
        UploadPhase.RECEIVING: "Bytes arrive and are stored.",
        UploadPhase.DECOMPRESSING: "What arrives is decompressed and stored.",
        UploadPhase.EXTRACTING: "What arrives is unpacked into an artefact.",
        UploadPhase.COMPLETE: "The image lies in the store, with its hash.",
        UploadPhase.FAILED: "It came to nothing; nothing of it was kept.",
        UploadPhase.CANCELLED: "It was given up; nothing of it was kept.",
    },
)


@strawberry.type(description="A file on its way into the image store, by whichever way.")
class Upload:
    """An upload at one moment."""

    id: strawberry.ID = strawberry.field(
        description="What it is called: the X-Upload-Id that its client sent, else one of ours."
    )
    filename: str = strawberry.field(description="The file's name as it was sent.")
    kind: UploadKind = strawberry.field(description="What is done with its bytes.")
    phase: UploadPhase = strawberry.field(description="What it is doing.")
    began_at: datetime = strawberry.field(description="When it began.")
    received_bytes: Long = strawberry.field(description="Bytes that came from the client.")
    total_bytes: Long | None = strawberry.field(
        description="Bytes that will come, of a form with its few hundred bytes around the file; "
        "null when the client did not say."
    )
    written_bytes: Long = strawberry.field(description="Bytes that were stored of it so far.")
    entry: str | None = strawberry.field(
        description="The file that is being unpacked; null outside EXTRACTING."
    )
    image: str | None = strawberry.field(
        description="The name that it got in the store; null unless COMPLETE."
    )
    error: str | None = strawberry.field(
        description="Why it came to nothing (FAILED, CANCELLED), or why one that waits is no image "
        "yet though all of it came: its last byte is to be sent again. Null otherwise."
    )
    is_resumable: bool = strawberry.field(
        description="Whether its client may continue it after a lost connection."
    )
    expires_at: datetime | None = strawberry.field(
        description="When it is given up unless its client goes on; null where that cannot be."
    )


@strawberry.type(description="Uploads at one moment.")
class UploadProgress:
    """One frame of `uploadProgress`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    uploads: list[Upload] = strawberry.field(
        description="All that was asked for, then those that came on."
    )


@strawberry.input(description="What is going to be sent.")
class BeginUploadInput:
    """Input of `beginUpload`."""

    filename: str = strawberry.field(
        description="The file's name; its suffix says what it is, such as `.img.xz` or `.tar.zst`."
    )
    size_bytes: Long = strawberry.field(description="How many bytes it has.")


@strawberry.type(description="An upload that may be sent now, over as many connections as needed.")
class UploadBegun:
    """Success of `beginUpload`."""

    address: str = strawberry.field(
        description="The path at which a tus 1.0 client goes on with PATCH (its `uploadUrl`)."
    )
    upload: Upload = strawberry.field(description="The upload, which waits for its first part.")


BeginUploadResult = Annotated[
    UploadBegun | Problem,
    strawberry.union("BeginUploadResult", description="Where to send it, or why not."),
]


@strawberry.input(description="Which upload to give up.")
class CancelUploadInput:
    """Input of `cancelUpload`."""

    id: strawberry.ID = strawberry.field(description="The upload's id.")


CancelUploadResult = Annotated[
    Upload | Problem,
    strawberry.union("CancelUploadResult", description="The upload, given up, or why not."),
]


def upload_of(upload: KnownUpload) -> Upload:
    """Returns an upload as clients see it."""
    total = upload.total_bytes
    return Upload(
        id=strawberry.ID(upload.id),
        filename=upload.filename,
        kind=upload.kind,
        phase=upload.phase,
        began_at=upload.began_at,
        received_bytes=Long(upload.received_bytes),
        total_bytes=None if total is None else Long(total),
        written_bytes=Long(upload.written_bytes),
        entry=upload.entry,
        image=upload.image,
        error=upload.error,
        is_resumable=upload.is_resumable,
        expires_at=upload.expires_at,
    )


def _frame(update: Update[list[KnownUpload]]) -> UploadProgress:
    return UploadProgress(
        sequence=update.sequence,
        snapshot=update.snapshot,
        uploads=[upload_of(one) for one in update.value],
    )


@strawberry.type
class UploadQueries:
    """Root fields about uploads."""

    @strawberry.field(description="The uploads under way, and those that ended of late.")
    async def uploads(self, info: Info) -> list[Upload]:
        """Resolves all of them."""
        return [upload_of(one) for one in await list_uploads(*who(info))]


@strawberry.type
class UploadMutations:
    """Changes of uploads."""

    @strawberry.mutation(
        description="Begins a resumable upload (tus 1.0); `POST /upload-image` is the way in one "
        "go (role engineer).",
        extensions=[Problems()],
    )
    async def begin_upload(
        self,
        info: Info,
        input: Annotated[BeginUploadInput, strawberry.argument(description="What will come.")],
    ) -> BeginUploadResult:
        """Begins."""
        upload = await begin_upload(*who(info), filename=input.filename, size=int(input.size_bytes))
        return UploadBegun(address=upload.address, upload=upload_of(upload))

    @strawberry.mutation(
        description="Gives up an upload that is under way; nothing of it is kept (role engineer).",
        extensions=[Problems()],
    )
    async def cancel_upload(
        self,
        info: Info,
        input: Annotated[CancelUploadInput, strawberry.argument(description="Which upload.")],
    ) -> CancelUploadResult:
        """Cancels."""
        return upload_of(await cancel_upload(*who(info), id=input.id))


@strawberry.type
class UploadSubscriptions:
    """What one can watch of uploads."""

    @strawberry.subscription(
        description="One upload or all, then each step: at most four a second of each upload. One "
        "may ask for an id before its upload begins."
    )
    async def upload_progress(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only this upload; absent: all.")
        ] = None,
    ) -> AsyncGenerator[UploadProgress, None]:
        """Yields frames."""
        updates = watch_uploads(*who(info), id=id)
        try:
            async for update in updates:
                yield _frame(update)
        finally:
            await updates.aclose()
