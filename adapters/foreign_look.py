"""A look at the shell side's table: what tells cheaply whether its rows are those of an earlier
one."""

from dataclasses import dataclass, field

from adapters.foreign_table import SqlValue, Table


@dataclass(frozen=True, slots=True)
class Look:
    """`lowest` and `highest` are ids, `newest` is the row of the highest one. `kept`: the newest
    row of the earlier look is still as it was."""

    data_version: int
    schema: int
    lowest: int | None
    highest: int | None
    newest: tuple[SqlValue, ...] | None
    kept: bool = field(compare=False)

    def lacks_rows_of(self, earlier: "Look") -> bool:
        """Whether rows that were there are gone: somebody tidied up, or put a backup back."""
        if earlier.lowest is None or earlier.highest is None:
            return False
        if self.lowest is None or self.highest is None:
            return True
        return self.lowest > earlier.lowest or self.highest < earlier.highest

    def is_edited_since(self, earlier: "Look") -> bool:
        """Whether something was committed that the shell side never does: it adds rows at the end
        and changes none."""
        if earlier.highest is None or self == earlier:
            return False
        appended = self.highest != earlier.highest
        return not (appended and self.kept and self.lowest == earlier.lowest)


def look_at(table: Table, earlier: Look | None) -> Look:
    """Returns what `table` looks like, seen after `earlier`."""
    return Look(
        table.pragma("data_version"),
        table.pragma("schema_version"),
        table.number("SELECT min({id}) FROM devices"),
        table.number("SELECT max({id}) FROM devices"),
        table.first("SELECT devices.* FROM devices ORDER BY {id} DESC LIMIT 1"),
        kept=earlier is None or _row_of(table, earlier.highest) == earlier.newest,
    )


def _row_of(table: Table, id: int | None) -> tuple[SqlValue, ...] | None:
    return table.first("SELECT devices.* FROM devices WHERE {id} = ?", id)
