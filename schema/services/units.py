"""Units as GraphQL clients see them: what they are, how they are, what they did."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.paging import page_request
from domain.services.run_history import MOST_RUNS, run_order
from domain.services.states import Service, ServiceState
from domain.services.unit_logs import log_order
from domain.services.unit_names import UnitFamily
from resolvers.parts import part_of
from resolvers.services import find_newest_run, page_runs, page_unit_log
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.enums import describe_enum
from schema.services.journal import (
    After,
    Before,
    First,
    JournalConnection,
    Last,
    Order,
    Wanted,
    journal_of,
)
from schema.services.lines import JournalOrder, filter_of
from schema.services.runs import UnitRun, run_of

describe_enum(
    ServiceState,
    name="UnitState",
    description="How a unit is now: systemd's active state, or why there is none.",
    values={
        ServiceState.ACTIVE: "It runs; a unit that stays active after its end has ended.",
        ServiceState.ACTIVATING: "It starts; a unit of type oneshot: it runs.",
        ServiceState.DEACTIVATING: "It is being stopped.",
        ServiceState.RELOADING: "It reloads its configuration.",
        ServiceState.FAILED: "Its last run failed.",
        ServiceState.INACTIVE: "It does not run.",
        ServiceState.FINISHED: "systemd has forgotten it, as it does with units that ended well or "
        "did not run since the last boot; its last run tells more.",
        ServiceState.UNKNOWN: "systemd says a word that this service does not know.",
        ServiceState.UNAVAILABLE: "systemd cannot be asked just now; `station { parts }` tells "
        "why.",
    },
)
describe_enum(
    UnitFamily,
    name="UnitFamily",
    description="What kind of work a unit does.",
    values={
        UnitFamily.BOOTSTRAP: "Brings a board that was plugged in to fastboot.",
        UnitFamily.TRIAGE: "Chooses the provisioner of a board.",
        UnitFamily.PROVISIONER: "Writes the image to a board and secures it.",
        UnitFamily.BOOT_PACKAGE: "Makes the boot package of an image.",
        UnitFamily.OTHER: "Something else of the station.",
    },
)


@strawberry.type(description="A systemd unit of the station.")
class Unit:
    """A unit."""

    id: strawberry.ID = strawberry.field(description="The whole name.")
    name: str = strawberry.field(description="The whole name, as systemd has it.")
    base_name: str = strawberry.field(description="The name before the `@`.")
    instance: str | None = strawberry.field(
        description="What it works on, as it stands behind the `@`; null for a plain unit."
    )
    family: UnitFamily = strawberry.field(description="What kind of work it does.")
    serial: str | None = strawberry.field(
        description="The board that it worked on; null where the name does not tell: bootstrap "
        "is named for a device node, which each board that is plugged in gets anew."
    )
    device_node: str | None = strawberry.field(
        description="The device node that bootstrap worked on; null for other units."
    )
    image: str | None = strawberry.field(
        description="The image whose boot package was made; null for other units."
    )
    state: ServiceState = strawberry.field(description="How it is now.")
    active_state: str | None = strawberry.field(
        description="systemd's own word for it; null where systemd does not list it."
    )
    sub_state: str | None = strawberry.field(
        description="systemd's finer word for it; null where systemd does not list it."
    )
    description: str | None = strawberry.field(
        description="What the unit says of itself; null where systemd does not list it."
    )
    last_activity_at: datetime | None = strawberry.field(
        description="When the newest line of its journal was written; null where there is none."
    )

    @strawberry.field(
        description="Its last run: when it began and ended, how long it took, how it ended; null "
        "where neither the journal nor systemd knows of one."
    )
    async def last_run(self, info: Info) -> UnitRun | None:
        """Resolves the run."""
        run = await part_of(
            find_newest_run.policy,
            *who(info),
            lambda call: find_newest_run.perform(call, name=self.name),
        )
        return None if run is None else run_of(run)

    @strawberry.field(description="Its runs that the journal tells of, the newest first.")
    async def runs(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description=f"How many; 1 to {MOST_RUNS}.")] = 10,
        after: Annotated[
            str | None, strawberry.argument(description="Older than the run at this cursor.")
        ] = None,
    ) -> Connection[UnitRun]:
        """Resolves a page."""
        page = page_request(run_order(self.name), first=first, after=after)
        found = await part_of(
            page_runs.policy,
            *who(info),
            lambda call: page_runs.perform(call, name=self.name, page=page),
        )
        return connection(found, run_of)

    @strawberry.field(description="What the journal has of it, of all boots.")
    async def journal(
        self,
        info: Info,
        wanted: Wanted = None,
        order: Order = JournalOrder.NEWEST_FIRST,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> JournalConnection:
        """Resolves a page."""
        newest_first, lines = order is JournalOrder.NEWEST_FIRST, filter_of(wanted)
        page = page_request(
            log_order(self.name, newest_first=newest_first),
            first=first,
            after=after,
            last=last,
            before=before,
        )
        found = await part_of(
            page_unit_log.policy,
            *who(info),
            lambda call: page_unit_log.perform(
                call, name=self.name, page=page, wanted=lines, newest_first=newest_first
            ),
        )
        return journal_of(found, self.name, lines)


def unit_of(service: Service) -> Unit:
    """Returns the unit as clients see it."""
    parts, live = service.parts, service.live
    return Unit(
        id=strawberry.ID(service.name),
        name=service.name,
        base_name=parts.base_name,
        instance=parts.instance or None,
        family=parts.family,
        serial=parts.serial,
        device_node=parts.device_node,
        image=parts.image,
        state=service.state,
        active_state=live.active_state if live else None,
        sub_state=live.sub_state if live else None,
        description=live.description if live else None,
        last_activity_at=service.newest_at,
    )
