"""Totals: whether a client asks how many entries a list has, which costs more than a page."""

from collections.abc import Sequence

from strawberry.types.nodes import SelectedField, Selection

from schema.context import Info


def asks_for(info: Info, name: str = "totalCount") -> bool:
    """Whether the field that is resolved is asked for its member `name`."""
    return any(_has(field.selections, name) for field in info.selected_fields)


def _has(selections: Sequence[Selection], name: str) -> bool:
    return any(
        selection.name == name
        if isinstance(selection, SelectedField)
        else _has(selection.selections, name)
        for selection in selections
    )
