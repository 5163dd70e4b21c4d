"""Why a script is not changed."""

from domain.errors import Conflict, Invalid, Unavailable

MOST_BYTES = 1 << 20
"""The largest script that is taken: 1 MiB."""
MOST_READ = 8 * MOST_BYTES
"""Bytes of a file that somebody else put there and that is still read."""


class ScriptTooLarge(Invalid):
    """More than a script needs."""

    code = "SCRIPT_TOO_LARGE"
    title = "Script Too Large"
    meaning = f"A script has at most {MOST_BYTES} bytes."
    remedy = "Keep large programs elsewhere on the station and call them from the script."


class ScriptTooLargeToRead(Invalid):
    """Somebody put a huge file there."""

    code = "SCRIPT_TOO_LARGE_TO_READ"
    title = "Script Too Large To Read"
    meaning = f"A script of more than {MOST_READ} bytes is neither shown nor checked."
    remedy = "Read it on the station; keep large programs elsewhere and call them from the script."


class ScriptSyntaxError(Invalid):
    """The shell cannot read the script, so it must not be enabled, nor replace one that is."""

    code = "SCRIPT_SYNTAX_ERROR"
    title = "Syntax Error"
    meaning = "The shell cannot read the script; enabled it would abort every run that calls it."
    remedy = (
        "Correct what the message names and try again. To keep unfinished work, save it while the "
        "script is disabled."
    )


class ScriptChanged(Conflict):
    """Somebody else changed the script in the meantime."""

    code = "SCRIPT_CHANGED"
    title = "Script Changed"
    meaning = "The script is not what it was when the caller read it."
    remedy = "Read it again, take over what is to stay, and save with the new sha256."


class ScriptFolderUnreadable(Unavailable):
    """Nobody can say which scripts there are."""

    code = "SCRIPTS_UNREADABLE"
    title = "Scripts Unreadable"
    meaning = (
        "The folder of scripts is there, but cannot be read: which hooks are set up and enabled is "
        "not known, and the station may still run them."
    )
    remedy = (
        "Look at /etc/rpi-sb-provisioner/scripts: it must be a folder that the service may read. "
        "If too many files are open, try again."
    )


class ScriptUnreadable(Unavailable):
    """A script that is there and cannot be opened."""

    code = "SCRIPT_UNREADABLE"
    title = "Script Unreadable"
    meaning = (
        "Something lies under the script's name, but it cannot be opened: it is no ordinary file, "
        "its links lead nowhere, or the disk does not give it."
    )
    remedy = "Look at the file; deleting the script removes a link, never what it leads to."


class ScriptFolderNotMade(Unavailable):
    """The folder of scripts cannot be made."""

    code = "DIR_CREATE_ERROR"
    title = "Directory Error"
    meaning = "The folder of scripts cannot be made."
    remedy = "Look at /etc/rpi-sb-provisioner: its file system, its rights, free space."


class ScriptNotWritten(Unavailable):
    """The disk did not take the script."""

    code = "FILE_WRITE_ERROR"
    title = "File Error"
    meaning = "The script cannot be written; the old one is still there."
    remedy = "Look at the disk and at the rights of the folder of scripts."


class ScriptModeNotSet(Unavailable):
    """The script's mode cannot be changed."""

    code = "SCRIPT_PERMISSION_ERROR"
    title = "Permission Error"
    meaning = "The script cannot be enabled or disabled: its mode does not change."
    remedy = "Look at the disk and at the rights of the script."


class ScriptNotDeleted(Unavailable):
    """The script is still there."""

    code = "SCRIPT_DELETE_ERROR"
    title = "Deletion Error"
    meaning = "The script cannot be deleted."
    remedy = "Look at the disk and at the rights of the folder of scripts."
