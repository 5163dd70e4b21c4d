"""The working folder as GraphQL clients see it."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.configuration.workdir import WorkdirState, WorkdirView
from resolvers.working_folder import clear_working_folder, get_working_folder
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.scalars import Long

describe_enum(
    WorkdirState,
    description="What RPI_SB_WORKDIR names.",
    values={
        WorkdirState.UNSET: "Nothing: each run uses a folder of its own.",
        WorkdirState.MISSING: "A folder that is not there, so that each run uses one of its own.",
        WorkdirState.PRESENT: "A folder.",
        WorkdirState.REFUSED: "A folder that this service never empties.",
    },
)


@strawberry.type(
    description="The folder where the station's scripts keep what they prepared once for all "
    "boards: signed boot files, a bootloader. It is emptied when a setting changes that such a "
    "file was made with."
)
class WorkingFolder:
    """The working folder."""

    path: str = strawberry.field(description="As configured; empty when none is.")
    state: WorkdirState = strawberry.field(description="What it is.")
    size_bytes: Long = strawberry.field(description="Bytes of all files in it, at any depth.")
    files: int = strawberry.field(description="How many files are in it, at any depth.")
    oldest_at: datetime | None = strawberry.field(
        description="When its oldest file was written; null when it has none."
    )
    newest_at: datetime | None = strawberry.field(
        description="When its newest file was written; null when it has none."
    )
    reason: str | None = strawberry.field(
        description="Why it is never emptied; null where it may be."
    )


@strawberry.type(description="The working folder was emptied.")
class WorkingFolderCleared:
    """Success of `clearWorkingFolder`."""

    deleted: int = strawberry.field(description="How many entries of the folder itself went.")
    spared: int = strawberry.field(
        description="How many were kept, because a run that is at work staged them for itself."
    )
    working_folder: WorkingFolder = strawberry.field(description="The folder now.")


ClearWorkingFolderResult = Annotated[
    WorkingFolderCleared | Problem,
    strawberry.union("ClearWorkingFolderResult", description="What went, or why nothing did."),
]


def _folder(view: WorkdirView) -> WorkingFolder:
    return WorkingFolder(
        path=view.path,
        state=view.state,
        size_bytes=Long(view.size_bytes),
        files=view.files,
        oldest_at=view.oldest,
        newest_at=view.newest,
        reason=view.reason or None,
    )


@strawberry.type
class WorkingFolderQueries:
    """Root fields about the working folder."""

    @strawberry.field(description="The folder of prepared files: its size and age.")
    async def working_folder(self, info: Info) -> WorkingFolder:
        """Resolves the folder."""
        return _folder(await get_working_folder(*who(info)))


@strawberry.type
class WorkingFolderMutations:
    """Changes of the working folder."""

    @strawberry.mutation(
        description="Empties the working folder (role engineer), so that everything is prepared "
        "anew for the next board. Without such a folder nothing happens.",
        extensions=[Problems()],
    )
    async def clear_working_folder(self, info: Info) -> ClearWorkingFolderResult:
        """Clears."""
        cleared = await clear_working_folder(*who(info))
        return WorkingFolderCleared(
            deleted=cleared.emptied.deleted,
            spared=cleared.emptied.spared,
            working_folder=_folder(cleared.view),
        )
