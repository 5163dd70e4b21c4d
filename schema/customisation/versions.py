"""The past of scripts as GraphQL clients see it."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.customisation import versions as domain
from domain.customisation.versions import VersionOrigin
from resolvers.parts import part_of
from resolvers.script_history import (
    diff_script,
    get_script_version,
    list_script_versions,
    restore_script,
)
from schema.context import Info, who
from schema.customisation.scripts import NAME, Name
from schema.customisation.types import Script, script_of
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.scalars import Long

describe_enum(
    VersionOrigin,
    name="ScriptVersionOrigin",
    description="How a version of a script came about.",
    values={
        VersionOrigin.SAVED: "Somebody saved it here.",
        VersionOrigin.UPLOADED: "Somebody uploaded it here.",
        VersionOrigin.RESTORED: "Somebody put an older version back.",
        VersionOrigin.FOUND: "It was found on the disk: somebody wrote it by other means.",
    },
)


@strawberry.type(description="What a script held at some time.")
class ScriptVersion:
    """One version."""

    kept: strawberry.Private[domain.ScriptVersion]
    id: Long = strawberry.field(description="Its number; newer versions have greater ones.")
    filename: str = strawberry.field(description="The script's file.")
    sha256: str = strawberry.field(description="Of its content.")
    size_bytes: Long = strawberry.field(description="Bytes of its content.")
    kept_at: datetime = strawberry.field(
        description="When it was saved, or found where somebody else had written it."
    )
    kept_by: str | None = strawberry.field(
        description="Who saved it; null for what was found on the disk."
    )
    origin: VersionOrigin = strawberry.field(description="How it came about.")

    @strawberry.field(
        description="Its text (role engineer). Bytes that are no UTF-8 are shown as U+FFFD."
    )
    async def content(self, info: Info) -> str:
        """Resolves the content."""
        found = await part_of(
            get_script_version.policy,
            *who(info),
            lambda call: get_script_version.perform(call, name=self.kept.filename, id=self.kept.id),
        )
        return found.content.decode("utf-8", "replace")


@strawberry.type(description="What was changed between two contents of a script.")
class ScriptDiff:
    """A comparison."""

    text: str = strawberry.field(
        description="In the unified form of diff(1); empty where nothing was changed."
    )
    added_lines: int = strawberry.field(description="How many lines are new.")
    removed_lines: int = strawberry.field(description="How many lines are gone.")


@strawberry.input(description="Which version to put back.")
class RestoreScriptInput:
    """Input of `restoreScript`."""

    name: str = strawberry.field(description=NAME)
    version: Long = strawberry.field(description="The version's `id`.")
    expected_sha256: str | None = strawberry.field(
        default=None,
        description="What the caller has read: refused if the script is another by now. Null: it "
        "does not matter.",
    )


RestoreScriptResult = Annotated[
    Script | Problem,
    strawberry.union("RestoreScriptResult", description="The restored script, or why not."),
]


def _version(kept: domain.ScriptVersion) -> ScriptVersion:
    return ScriptVersion(
        kept=kept,
        id=Long(kept.id),
        filename=kept.filename,
        sha256=kept.sha256,
        size_bytes=Long(kept.size_bytes),
        kept_at=kept.kept_at,
        kept_by=kept.kept_by,
        origin=kept.origin,
    )


@strawberry.type
class ScriptVersionQueries:
    """Root fields about versions."""

    @strawberry.field(
        description="The last 20 versions of a script, also of a deleted one, the newest first."
    )
    async def script_versions(self, info: Info, name: Name) -> list[ScriptVersion]:
        """Resolves the versions."""
        kept = await list_script_versions(*who(info), name=name)
        return [_version(version) for version in kept]

    @strawberry.field(description="One version of a script (role engineer).")
    async def script_version(
        self,
        info: Info,
        name: Name,
        id: Annotated[Long, strawberry.argument(description="The version's `id`.")],
    ) -> ScriptVersion:
        """Resolves one version."""
        return _version((await get_script_version(*who(info), name=name, id=id)).version)

    @strawberry.field(description="What was changed in a script (role engineer).")
    async def script_diff(
        self,
        info: Info,
        name: Name,
        before: Annotated[Long, strawberry.argument(description="The older version's `id`.")],
        after: Annotated[
            Long | None,
            strawberry.argument(description="The newer version's `id`; null: what it holds now."),
        ] = None,
    ) -> ScriptDiff:
        """Resolves the comparison."""
        found = await diff_script(*who(info), name=name, before=before, after=after)
        return ScriptDiff(text=found.text, added_lines=found.added, removed_lines=found.removed)


@strawberry.type
class ScriptVersionMutations:
    """Changes out of the past."""

    @strawberry.mutation(
        description="Puts a version of a script back; it keeps its mode, one that was deleted is "
        "disabled. An enabled script is not replaced by a version that its shell cannot read (role "
        "engineer).",
        extensions=[Problems()],
    )
    async def restore_script(
        self,
        info: Info,
        input: Annotated[RestoreScriptInput, strawberry.argument(description="Which version.")],
    ) -> RestoreScriptResult:
        """Restores."""
        restored = await restore_script(
            *who(info), name=input.name, id=input.version, expected=input.expected_sha256
        )
        return script_of(restored)
