"""A new manufacturing database, for a station whose configuration names one that is not there
(contract configuration 12)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from domain.errors import ProvisionerError, Unavailable
from domain.file_accesses import FileAccess

VARIABLE = "RPI_SB_PROVISIONER_MANUFACTURING_DB"
MODE_WORDS = "0600"


class RecordDatabaseNotMade(Unavailable):
    """A database that was asked for cannot be made; the configuration is as it was."""

    code = "DB_CREATE_ERROR"
    title = "Database Error"
    meaning = "The manufacturing database that was named is not there and cannot be made."
    remedy = "Name a file in a folder that can be written, or an empty value for no database."


class NewDatabase(Protocol):
    """Makes databases; blocks."""

    def create(self, path: str) -> bool:
        """Makes the database with its table and the folders above it, mode 0600, unless something
        is there; returns whether it did.

        Raises `RecordDatabaseNotMade` and `PathRefused`.
        """


class NewDatabases:
    """Makes the database that a configuration names, where it is missing."""

    def __init__(self, new: NewDatabase) -> None:
        self._new = new

    def provide(
        self, values: Mapping[str, str], *, changed: AbstractSet[str], note: FileAccess
    ) -> None:
        """Makes the database that `values` name, if it is missing; blocks.

        Raises what `NewDatabase.create` raises where its name is among those `changed`; for an old
        name that is only noted, since nobody asked for it now.
        """
        path = values.get(VARIABLE, "")
        if not path:
            return
        try:
            made = self._new.create(path)
        except ProvisionerError as error:
            note("CREATE", path, success=False, info=error.message)
            if VARIABLE in changed:
                raise
            return
        if made:
            note("CREATE", path)
            note("CHMOD", path, info=MODE_WORDS)
