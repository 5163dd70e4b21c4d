"""Which folders are never emptied, whatever the configuration says."""

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from domain.configuration.settings import Setting
from domain.configuration.variables import Kind, find_variable
from domain.errors import Conflict
from domain.host_paths import HostPaths, PathRefused

VARIABLE = "RPI_SB_WORKDIR"

SYSTEM = frozenset(
    {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "sys", "usr"}
)
"""Top folders nothing below which is a working folder (contract configuration 6 [F!])."""

SHARED = ("/var/lib", "/var/log", "/var/cache", "/var/lib/rpi-sb-provisioner")
"""Folders that many programs keep things in; a folder of its own below them is fine."""

SCRIPTS = ("/srv/rpi-sb-provisioner/tmp", "/srv/rpi-sb-provisioner/uploads")
"""Where the station's scripts have what they work on just now (contract configuration 1)."""


class WorkdirRefused(Conflict):
    """The configured working folder is one that is never emptied."""

    code = "WORKDIR_REFUSED"
    title = "Working Folder Refused"
    meaning = (
        "RPI_SB_WORKDIR names a folder of the system, one that holds images, databases, keys or "
        "configured files, or a link; it is not emptied."
    )
    remedy = "Set RPI_SB_WORKDIR to a folder of its own, such as /srv/rpi-sb-provisioner/workdir."


def find_workdir(paths: HostPaths, settings: Mapping[str, Setting]) -> Path | None:
    """Returns where the configured working folder is, None when none is set or there is none.

    Raises `WorkdirRefused` for one that must never be emptied. Blocks.
    """
    setting = settings.get(VARIABLE)
    if setting is None or not setting.value:
        return None
    try:
        real, entry = paths.real(setting.value), paths.entry(setting.value)
        _check(paths, settings, setting.shown, paths.logical(real))
        mode = entry.lstat().st_mode
    except PathRefused as error:
        raise _refused(setting.shown, f"cannot be a folder: {error.message}") from error
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        raise _refused(setting.shown, "is a link")
    return real if stat.S_ISDIR(mode) else None


def _check(paths: HostPaths, settings: Mapping[str, Setting], shown: str, logical: str) -> None:
    folder = PurePosixPath(logical)
    if len(folder.parts) <= 2 or folder.parts[1] in SYSTEM or logical in SHARED:
        raise _refused(shown, "belongs to the system")
    for kept in _kept_trees(paths):
        if folder == kept or kept in folder.parents or folder in kept.parents:
            raise _refused(shown, f"holds or lies in {kept}")
    for kept in _kept_files(paths, settings):
        if folder == kept or folder in kept.parents:
            raise _refused(shown, f"holds {kept}")


def _kept_trees(paths: HostPaths) -> list[PurePosixPath]:
    config = str(PurePosixPath(paths.config).parent)
    trees = (config, paths.images, paths.logs, paths.runtime, *SCRIPTS)
    return [_resolved(paths, tree) for tree in trees]


def _kept_files(paths: HostPaths, settings: Mapping[str, Setting]) -> list[PurePosixPath]:
    ours = [paths.state_db, paths.manufacturing_db, paths.audit_db, paths.service_db]
    configured = [setting.value for setting in settings.values() if _is_place(setting)]
    return [_resolved(paths, path) for path in (*ours, *configured)]


def _is_place(setting: Setting) -> bool:
    variable = find_variable(setting.name)
    is_path = variable is not None and variable.kind in {Kind.FILE, Kind.FOLDER}
    return is_path and setting.name != VARIABLE and setting.value.startswith("/")


def _resolved(paths: HostPaths, logical: str) -> PurePosixPath:
    try:
        return PurePosixPath(paths.logical(paths.real(logical)))
    except PathRefused:
        return PurePosixPath(logical)


def _refused(shown: str, reason: str) -> WorkdirRefused:
    return WorkdirRefused(f"The working folder {shown} {reason}.", detail=shown, field=VARIABLE)
