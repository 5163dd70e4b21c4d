"""How GraphQL clients say which page of a list of devices they want."""

from typing import Annotated

import strawberry

from domain.paging import DEFAULT_SIZE, MOST

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the beginning, or after `after`; 1 to {MOST}. Absent: "
        f"{DEFAULT_SIZE}, unless `last` is given."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the entry that the page follows; absent: from the beginning."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the end, or before `before`; 1 to {MOST}. Absent: none."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the entry that the page precedes; absent: up to the end."
    ),
]
