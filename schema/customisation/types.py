"""Hook points and their scripts as GraphQL clients see them."""

from datetime import datetime

import strawberry

from domain.customisation import script as domain
from domain.customisation import syntax
from domain.customisation.arguments import arguments_of, environment_of
from domain.customisation.hooks import DESCRIPTIONS, LABELS, Provisioner, Stage, description_of
from domain.customisation.hooks import Hook as HookPoint
from domain.customisation.syntax import Shell
from domain.customisation.templates import template_of
from resolvers.customisation import check_opened, open_script
from resolvers.parts import part_of
from schema.context import Info, who
from schema.enums import describe_enum
from schema.scalars import Long

describe_enum(
    Provisioner,
    name="HookProvisioner",
    description="Which provisioner runs a hook.",
    values={
        Provisioner.FDE: "Full-disk encryption.",
        Provisioner.IDP: "An IDP artefact.",
        Provisioner.NAKED: "The image as it is.",
        Provisioner.SECURE_BOOT: "Secure boot with full-disk encryption.",
    },
)
describe_enum(
    Stage,
    name="HookStage",
    description="At which moment of a board's run a hook runs.",
    values=DESCRIPTIONS,
)
describe_enum(
    Shell,
    name="ScriptShell",
    description="A shell whose scripts are checked.",
    values={Shell.SH: "The shell of POSIX.", Shell.BASH: "GNU bash."},
)


@strawberry.type(description="A positional argument that a hook is given.")
class HookArgument:
    """One argument."""

    position: int = strawberry.field(description="Its place, from 1 on.")
    variable: str = strawberry.field(description="What the template calls it.")
    meaning: str = strawberry.field(description="What it is.")


@strawberry.type(description="A variable in the environment of a hook.")
class HookVariable:
    """One variable."""

    name: str = strawberry.field(description="Its name.")
    meaning: str = strawberry.field(description="What it is.")


@strawberry.type(description="What a shell says of a script that it only reads.")
class ScriptSyntax:
    """A check."""

    shell: Shell | None = strawberry.field(
        description="The shell that the script's first line names; null for other programs, which "
        "nobody checks."
    )
    readable: bool = strawberry.field(description="Whether it can be read, or nobody checks it.")
    complaint: str | None = strawberry.field(
        description="What the shell says; null where it says nothing."
    )


@strawberry.type(
    description="A script: a file in the folder of scripts, or the place where a hook point's "
    "script may be put."
)
class Script:
    """A script."""

    found: strawberry.Private[domain.Script]
    filename: str = strawberry.field(description="The file's name.")
    exists: bool = strawberry.field(description="Whether anything lies under this name.")
    enabled: bool = strawberry.field(
        description="Whether the station runs it: a file with any of its executable bits set."
    )
    mode: str | None = strawberry.field(
        description="Its permission bits in octal, such as 0755; null where it does not exist."
    )
    sha256: str | None = strawberry.field(
        description="Of its content, links followed; null where that cannot be read: it does not "
        "exist, is no ordinary file, or its links lead nowhere."
    )
    size_bytes: Long | None = strawberry.field(description="Bytes; null as for `sha256`.")
    modified_at: datetime | None = strawberry.field(
        description="When it was last written; null as for `sha256`."
    )

    @strawberry.field(description="The hook point that runs it; null where nothing does.")
    def hook(self) -> "Hook | None":
        """Resolves the hook point."""
        hook = self.found.hook
        return None if hook is None else hook_of(hook, self.found)

    @strawberry.field(
        description="Its text, of a hook point without a script the template (role engineer). "
        "Bytes that are no UTF-8 are shown as U+FFFD. Null where it cannot be read, or not by this "
        "role: an error of this field says why."
    )
    async def content(self, info: Info) -> str | None:
        """Resolves the content."""
        opened = await part_of(
            open_script.policy,
            *who(info),
            lambda call: open_script.perform(call, script=self.found),
        )
        return opened.text

    @strawberry.field(
        description="What its shell says of it, unexecuted (role engineer). Null as for `content`, "
        "and where the shell cannot be asked."
    )
    async def syntax(self, info: Info) -> ScriptSyntax | None:
        """Resolves the check."""
        checked = await part_of(
            check_opened.policy,
            *who(info),
            lambda call: check_opened.perform(call, script=self.found),
        )
        return syntax_of(checked)


@strawberry.type(
    description="A hook point: a moment of a board's run at which a script of the station's own "
    "is run, as root."
)
class Hook:
    """A hook point."""

    point: strawberry.Private[HookPoint]
    found: strawberry.Private[domain.Script]
    name: str = strawberry.field(description="Its name: <provisioner>-<stage>.")
    provisioner: Provisioner = strawberry.field(description="Whose run.")
    provisioner_label: str = strawberry.field(description="The provisioner in words.")
    stage: Stage = strawberry.field(description="Which moment of it.")
    stage_label: str = strawberry.field(description="The moment in words.")
    description: str = strawberry.field(description="When exactly it runs.")

    @strawberry.field(description="The script that lies there, or the place for one.")
    def script(self) -> Script:
        """Resolves the script."""
        return script_of(self.found)

    @strawberry.field(description="What a new script begins with.")
    def template(self) -> str:
        """Resolves the template."""
        return template_of(self.point)

    @strawberry.field(
        description="The arguments, in order; after a failure in bootstrap those of that stage."
    )
    def arguments(self) -> list[HookArgument]:
        """Resolves the arguments."""
        return [
            HookArgument(position=number, variable=argument.variable, meaning=argument.meaning)
            for number, argument in enumerate(arguments_of(self.point), 1)
        ]

    @strawberry.field(
        description="The variables that the run itself sets; those of the configuration come on "
        "top."
    )
    def environment(self) -> list[HookVariable]:
        """Resolves the environment."""
        return [
            HookVariable(name=variable.name, meaning=variable.meaning)
            for variable in environment_of(self.point)
        ]


def script_of(script: domain.Script) -> Script:
    """Returns a script as clients see it."""
    return Script(
        found=script,
        filename=script.filename,
        exists=script.exists,
        enabled=script.enabled,
        mode=None if script.mode is None else f"{script.mode:04o}",
        sha256=script.sha256,
        size_bytes=None if script.size_bytes is None else Long(script.size_bytes),
        modified_at=script.modified_at,
    )


def hook_of(hook: HookPoint, script: domain.Script) -> Hook:
    """Returns a hook point as clients see it."""
    return Hook(
        point=hook,
        found=script,
        name=hook.name,
        provisioner=hook.provisioner,
        provisioner_label=LABELS[hook.provisioner],
        stage=hook.stage,
        stage_label=LABELS[hook.stage],
        description=description_of(hook),
    )


def syntax_of(checked: syntax.SyntaxCheck) -> ScriptSyntax:
    """Returns a check as clients see it."""
    return ScriptSyntax(
        shell=checked.shell,
        readable=not checked.complaint,
        complaint=checked.complaint or None,
    )
