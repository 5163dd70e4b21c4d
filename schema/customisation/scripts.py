"""Scripts and hook points: what can be asked, changed and watched."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from domain.customisation import script as domain
from domain.customisation.hooks import Provisioner, Stage
from domain.customisation.script import HookState
from domain.customisation.scripts import ORDER
from domain.events import Update
from domain.paging import page_request
from resolvers.customisation import (
    check_script,
    delete_script,
    disable_script,
    enable_script,
    get_script,
    get_script_template,
    list_hooks,
    page_scripts,
    save_script,
    upload_script,
    watch_scripts,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.customisation.types import Hook, Script, ScriptSyntax, hook_of, script_of, syntax_of
from schema.errors import Problem, Problems

NAME = "The script as <provisioner>-<stage>, with or without .sh at its end."


@strawberry.type(description="Scripts that changed, or all of them.")
class ScriptChange:
    """One frame of `scriptChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True where `scripts` are all there are: the first frame, and after the client "
        "was too slow."
    )
    scripts: list[Script] = strawberry.field(
        description="All scripts, or those that changed; a deleted one does not exist."
    )


@strawberry.input(description="What to save.")
class SaveScriptInput:
    """Input of `saveScript`."""

    name: str = strawberry.field(description=NAME)
    content: str = strawberry.field(description="The whole text; nothing in it is mended.")
    expected_sha256: str | None = strawberry.field(
        default=None,
        description="What the caller has read: refused if the script is another by now. Empty: "
        "there must be none yet. Null: it does not matter.",
    )


@strawberry.input(description="What to save and enable.")
class UploadScriptInput:
    """Input of `uploadScript`."""

    name: str = strawberry.field(description=NAME)
    content: str = strawberry.field(description="The whole text; nothing in it is mended.")


@strawberry.input(description="Which script.")
class ScriptInput:
    """Input of what is done with a script that is there."""

    name: str = strawberry.field(description=NAME)


@strawberry.type(description="The script was deleted.")
class ScriptDeleted:
    """Success of `deleteScript`."""

    filename: str = strawberry.field(description="The file that is gone.")
    sha256: str | None = strawberry.field(
        description="Of what it held; null where that could not be read."
    )


SaveScriptResult = Annotated[
    Script | Problem,
    strawberry.union("SaveScriptResult", description="The saved script, or why not."),
]
UploadScriptResult = Annotated[
    Script | Problem,
    strawberry.union("UploadScriptResult", description="The enabled script, or why not."),
]
EnableScriptResult = Annotated[
    Script | Problem,
    strawberry.union(
        "EnableScriptResult", description="The enabled script, or why not: what its shell says."
    ),
]
DisableScriptResult = Annotated[
    Script | Problem,
    strawberry.union("DisableScriptResult", description="The disabled script, or why not."),
]
DeleteScriptResult = Annotated[
    ScriptDeleted | Problem,
    strawberry.union("DeleteScriptResult", description="What was deleted, or why not."),
]
WhichScript = Annotated[ScriptInput, strawberry.argument(description="Which script.")]
Name = Annotated[str, strawberry.argument(description=NAME)]


@strawberry.type
class CustomisationQueries:
    """Root fields about scripts."""

    @strawberry.field(
        description="The 21 hook points: provisioners by name, stages in the order of a run."
    )
    async def hooks(
        self,
        info: Info,
        provisioner: Annotated[
            Provisioner | None, strawberry.argument(description="Only of this provisioner.")
        ] = None,
        stage: Annotated[
            Stage | None, strawberry.argument(description="Only of this stage.")
        ] = None,
    ) -> list[Hook]:
        """Resolves the hook points."""
        states = await list_hooks(*who(info))
        return [
            hook_of(state.hook, state.script)
            for state in states
            if _is_wanted(state, provisioner, stage)
        ]

    @strawberry.field(description="The files in the folder of scripts, by name.")
    async def scripts(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the beginning on.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor after which to begin.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many, up to the end.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="The cursor before which to end.")
        ] = None,
    ) -> Connection[Script]:
        """Resolves a page."""
        page = page_request(ORDER, first=first, after=after, last=last, before=before)
        return connection(await page_scripts(*who(info), page=page), script_of)

    @strawberry.field(
        description="One script; of a hook point without one the place for it, with the template "
        "as content (role engineer)."
    )
    async def script(self, info: Info, name: Name) -> Script:
        """Resolves one script."""
        return script_of((await get_script(*who(info), name=name)).script)

    @strawberry.field(description="What a new script of a hook point begins with.")
    async def script_template(self, info: Info, name: Name) -> str:
        """Resolves the template."""
        return (await get_script_template(*who(info), name=name)).text

    @strawberry.field(
        description="What the shell says of a text that nobody has saved yet; nothing of it is "
        "executed (role engineer)."
    )
    async def script_syntax(
        self,
        info: Info,
        content: Annotated[str, strawberry.argument(description="The whole text of the script.")],
    ) -> ScriptSyntax:
        """Resolves the check."""
        return syntax_of(await check_script(*who(info), content=content))


@strawberry.type
class CustomisationMutations:
    """Changes of scripts."""

    @strawberry.mutation(
        description="Saves a script; a new one is disabled, another keeps its mode. One that is "
        "enabled is not replaced by one that its shell cannot read: correct it, or disable the "
        "script first (role engineer).",
        extensions=[Problems()],
    )
    async def save_script(
        self,
        info: Info,
        input: Annotated[SaveScriptInput, strawberry.argument(description="What to save.")],
    ) -> SaveScriptResult:
        """Saves."""
        saved = await save_script(
            *who(info),
            name=input.name,
            content=input.content,
            expected=input.expected_sha256,
            strict=True,
        )
        return script_of(saved)

    @strawberry.mutation(
        description="Saves a script and enables it, if its shell can read it (role engineer).",
        extensions=[Problems()],
    )
    async def upload_script(
        self,
        info: Info,
        input: Annotated[UploadScriptInput, strawberry.argument(description="What to save.")],
    ) -> UploadScriptResult:
        """Uploads."""
        content = input.content.encode("utf-8", "replace")
        return script_of(await upload_script(*who(info), name=input.name, content=content))

    @strawberry.mutation(
        description="Lets the station run a script, if its shell can read it. A link to a file "
        "outside the folder of scripts gives way to a copy, unless it is enabled already (role "
        "engineer).",
        extensions=[Problems()],
    )
    async def enable_script(self, info: Info, input: WhichScript) -> EnableScriptResult:
        """Enables."""
        return script_of(await enable_script(*who(info), name=input.name))

    @strawberry.mutation(
        description="Keeps the station from running a script. A link to a file outside the folder "
        "of scripts gives way to a disabled copy; that file keeps its mode (role engineer).",
        extensions=[Problems()],
    )
    async def disable_script(self, info: Info, input: WhichScript) -> DisableScriptResult:
        """Disables."""
        return script_of(await disable_script(*who(info), name=input.name))

    @strawberry.mutation(
        description="Deletes a script, of a link the link only; its versions are kept (role "
        "engineer).",
        extensions=[Problems()],
    )
    async def delete_script(self, info: Info, input: WhichScript) -> DeleteScriptResult:
        """Deletes."""
        gone = await delete_script(*who(info), name=input.name)
        return ScriptDeleted(filename=gone.filename, sha256=gone.sha256)


@strawberry.type
class CustomisationSubscriptions:
    """What one can watch of scripts."""

    @strawberry.subscription(
        description="All scripts, then each one that is saved, enabled, disabled or deleted, by "
        "whomever."
    )
    async def script_changes(self, info: Info) -> AsyncGenerator[ScriptChange, None]:
        """Yields frames."""
        updates = watch_scripts(*who(info))
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()


def _is_wanted(state: HookState, provisioner: Provisioner | None, stage: Stage | None) -> bool:
    return provisioner in (None, state.hook.provisioner) and stage in (None, state.hook.stage)


def _change(update: Update[list[domain.Script]]) -> ScriptChange:
    return ScriptChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        scripts=[script_of(script) for script in update.value],
    )
