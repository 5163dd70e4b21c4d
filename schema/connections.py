"""Relay connections with keyset cursors: the shape of every list that can grow."""

from collections.abc import Callable
from typing import Generic, TypeVar

import strawberry

from domain.paging import Page

NodeT = TypeVar("NodeT")
T = TypeVar("T")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether entries follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether entries precede this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first entry; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last entry; null on an empty page."
    )


@strawberry.type(description="An entry of a list and its place.")
class Edge(Generic[NodeT]):
    """Relay's Edge."""

    cursor: str = strawberry.field(description="This place; opaque, good for `after` and `before`.")
    node: NodeT = strawberry.field(description="The entry itself.")


@strawberry.type(description="One page of a list that can grow.")
class Connection(Generic[NodeT]):
    """Relay's Connection."""

    edges: list[Edge[NodeT]] = strawberry.field(description="The page's entries with their places.")
    nodes: list[NodeT] = strawberry.field(description="The page's entries alone.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    total_count: int | None = strawberry.field(
        description="How many entries the whole list has; null where counting would be slow."
    )


def connection(page: Page[T], node: Callable[[T], NodeT]) -> Connection[NodeT]:
    """Returns the page as a connection, each item made a node."""
    nodes = [node(item) for item in page.items]
    return Connection(
        edges=[Edge(cursor=c, node=n) for c, n in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
        total_count=page.total,
    )
