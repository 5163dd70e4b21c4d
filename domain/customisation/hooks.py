"""Hook points: the moments of a board's run at which a station runs a script of its own
(contract customisation 2)."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

SUFFIX = ".sh"


class Provisioner(StrEnum):
    """Which of the shell side's provisioners runs, in the order of their names."""

    FDE = "fde-provisioner"
    IDP = "idp-provisioner"
    NAKED = "naked-provisioner"
    SECURE_BOOT = "sb-provisioner"


class Stage(StrEnum):
    """A moment of a run, in the order of a board's life."""

    BOOTSTRAP = "bootstrap"
    PROVISION_STARTED = "provision-started"
    BOOTFS_MOUNTED = "bootfs-mounted"
    ROOTFS_MOUNTED = "rootfs-mounted"
    POST_FLASH = "post-flash"
    PROVISION_FAILED = "provision-failed"


LABELS: dict[Provisioner | Stage, str] = {
    Provisioner.FDE: "Full-disk Encryption",
    Provisioner.IDP: "IDP Artefact",
    Provisioner.NAKED: "Naked",
    Provisioner.SECURE_BOOT: "Secure Boot",
    Stage.BOOTSTRAP: "Bootstrap",
    Stage.PROVISION_STARTED: "Provisioning started",
    Stage.BOOTFS_MOUNTED: "Boot filesystem mounted",
    Stage.ROOTFS_MOUNTED: "Root filesystem mounted",
    Stage.POST_FLASH: "After flashing",
    Stage.PROVISION_FAILED: "Provisioning failed",
}
DESCRIPTIONS: dict[Stage, str] = {
    Stage.BOOTSTRAP: "Runs when a board in boot mode was found, before the signing key is "
    "prepared.",
    Stage.PROVISION_STARTED: "Runs when a provisioner has taken over a board that answers to "
    "fastboot.",
    Stage.BOOTFS_MOUNTED: "Runs while the boot file system of the image can be changed.",
    Stage.ROOTFS_MOUNTED: "Runs while the root file system of the image can be changed.",
    Stage.POST_FLASH: "Runs when a board was flashed and its facts were gathered.",
    Stage.PROVISION_FAILED: "Runs at the end of a run that failed; how it ends itself does not "
    "matter.",
}
_MOUNTED = frozenset({Stage.BOOTFS_MOUNTED, Stage.ROOTFS_MOUNTED})
CACHED = "With cached images it runs once for the cache, not for each board."
COPIED = (
    "It runs for each board, on a copy of the image that is made where one of both mounted hooks "
    "is enabled."
)
_WITHOUT_IDP = frozenset({Stage.BOOTSTRAP, Stage.BOOTFS_MOUNTED, Stage.ROOTFS_MOUNTED})
"""An IDP artefact is never mounted, and bootstrap does not know yet that there is one."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook point."""

    provisioner: Provisioner
    stage: Stage

    @property
    def name(self) -> str:
        """Its name, as people and programs write it."""
        return f"{self.provisioner}-{self.stage}"

    @property
    def filename(self) -> str:
        """The file that the shell side looks for."""
        return f"{self.name}{SUFFIX}"


HOOKS: tuple[Hook, ...] = tuple(
    Hook(provisioner, stage)
    for provisioner in Provisioner
    for stage in Stage
    if provisioner is not Provisioner.IDP or stage not in _WITHOUT_IDP
)
"""All of them: provisioners in the order of their names, stages in that of a board's life."""


@cache
def _by_name() -> dict[str, Hook]:
    return {hook.name: hook for hook in HOOKS}


def find_hook(name: str) -> Hook | None:
    """Returns the hook point of exactly this name, None where there is none."""
    return _by_name().get(name)


def hook_of_file(filename: str) -> Hook | None:
    """Returns the hook point whose file has exactly this name, None for any other file."""
    return find_hook(filename.removesuffix(SUFFIX)) if filename.endswith(SUFFIX) else None


def description_of(hook: Hook) -> str:
    """Returns when exactly the hook runs (contract customisation 6.2)."""
    if hook.stage not in _MOUNTED:
        return DESCRIPTIONS[hook.stage]
    how = COPIED if hook.provisioner is Provisioner.NAKED else CACHED
    return f"{DESCRIPTIONS[hook.stage]} {how}"


def names_in_words() -> str:
    """Returns which names there are: the pattern, and each provisioner with its stages."""
    lines = ["A name is <provisioner>-<stage>:"]
    for provisioner in Provisioner:
        stages = ", ".join(hook.stage for hook in HOOKS if hook.provisioner is provisioner)
        lines.append(f"{provisioner}: {stages}")
    return "\n".join(lines)
