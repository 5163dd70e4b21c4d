"""The verification of labels as GraphQL clients see it."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.paging import page_request
from domain.verification import scans as domain
from domain.verification.verification import Verdict
from resolvers.verification import page_scans, verify_label
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.manufacturing.records import ManufacturingRecord, record_of
from schema.scalars import Long
from schema.totals import asks_for

describe_enum(
    domain.LabelProblem,
    description="What can be wrong with a label or with its board.",
    values={
        domain.LabelProblem.UNKNOWN: "No board with this code was made here.",
        domain.LabelProblem.DUPLICATE: "Several boards have this code.",
        domain.LabelProblem.NOT_SECURE: "The newest record does not say that the board is secure.",
        domain.LabelProblem.FAILED_LATER: "The board's last run began after its record and failed.",
        domain.LabelProblem.LATER_UNKNOWN: "Nobody knows whether a later run of the board failed.",
    },
)


@strawberry.type(description="Something that is wrong with a label or with its board.")
class LabelFault:
    """A fault."""

    problem: domain.LabelProblem = strawberry.field(description="What it is.")
    reason: str = strawberry.field(description="A sentence about it.")


@strawberry.type(description="One verification of a label, as it was kept.")
class QrScan:
    """A scan."""

    id: strawberry.ID = strawberry.field(description="The scan's number, as text; it grows.")
    at: datetime = strawberry.field(description="When.")
    code: str = strawberry.field(description="What the label said.")
    exists: bool = strawberry.field(description="Whether a record had this code then.")
    problems: list[domain.LabelProblem] = strawberry.field(
        description="What was wrong then; empty when nothing was."
    )
    record_number: Long | None = strawberry.field(
        description="The newest record that had the code; null where none had."
    )
    serial: str | None = strawberry.field(
        description="The board's serial; null where no record had the code."
    )
    caller: str = strawberry.field(description="Who scanned, by name.")
    role: str = strawberry.field(description="The role that the caller had.")
    address: str = strawberry.field(description="The address from which it was asked.")
    surface: str = strawberry.field(description="rest or graphql.")


@strawberry.input(description="What a scanner read from a label.")
class VerifyQrCodeInput:
    """Input of `verifyQrCode`."""

    code: str = strawberry.field(
        description="The text of the QR or Data Matrix code; blanks around it do not count."
    )


@strawberry.type(description="What is known of a label.")
class QrCodeVerified:
    """Success of `verifyQrCode`."""

    code: str = strawberry.field(description="What was looked for.")
    exists: bool = strawberry.field(description="Whether a record has exactly this code.")
    faultless: bool = strawberry.field(description="Whether nothing is wrong.")
    faults: list[LabelFault] = strawberry.field(description="What is wrong; empty when nothing is.")
    record: ManufacturingRecord | None = strawberry.field(
        description="The newest record with this code; null where none has it."
    )
    scan: QrScan | None = strawberry.field(
        description="The scan as it was kept; null where it could not be kept."
    )


VerifyQrCodeResult = Annotated[
    QrCodeVerified | Problem,
    strawberry.union(
        "VerifyQrCodeResult", description="What is known of the label, or why nobody can tell."
    ),
]


@strawberry.input(description="Which scans: every member that is given must hold.")
class QrScanFilter:
    """Conditions on scans."""

    code: str | None = strawberry.field(default=None, description="The code; null means any.")
    caller: str | None = strawberry.field(
        default=None, description="Who scanned, by name; null means anybody."
    )
    exists: bool | None = strawberry.field(
        default=None, description="Whether a record had the code; null means either."
    )
    faultless: bool | None = strawberry.field(
        default=None, description="Whether nothing was wrong; null means either."
    )
    since: datetime | None = strawberry.field(
        default=None, description="At this moment or later; null means any time."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Before this moment; null means any time."
    )


@strawberry.type
class VerificationQueries:
    """Root fields about labels."""

    @strawberry.field(
        description="The scans of labels that were kept, the newest first (role operator)."
    )
    async def qr_scans(
        self,
        info: Info,
        wanted: Annotated[
            QrScanFilter | None,
            strawberry.argument(name="filter", description="Which scans; null for all."),
        ] = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many of the newest.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Older than the scan at this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many of the oldest.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Newer than the scan at this cursor.")
        ] = None,
    ) -> Connection[QrScan]:
        """Resolves a page."""
        page = page_request(domain.ORDER, first=first, after=after, last=last, before=before)
        found = await page_scans(
            *who(info), wanted=_filter(wanted), page=page, counted=asks_for(info)
        )
        return connection(found, _scan)


@strawberry.type
class VerificationMutations:
    """What one can have verified."""

    @strawberry.mutation(
        description="Says whether a label is of a board that was made here and what is wrong with "
        "that board, and keeps the scan (role operator).",
        extensions=[Problems()],
    )
    async def verify_qr_code(self, info: Info, input: VerifyQrCodeInput) -> VerifyQrCodeResult:
        """Verifies."""
        return _verified(await verify_label(*who(info), code=input.code))


def _verified(verdict: Verdict) -> QrCodeVerified:
    return QrCodeVerified(
        code=verdict.code,
        exists=verdict.record is not None,
        faultless=not verdict.faults,
        faults=[LabelFault(problem=one.problem, reason=one.reason) for one in verdict.faults],
        record=None if verdict.record is None else record_of(verdict.record),
        scan=None if verdict.scan is None else _scan(verdict.scan),
    )


def _scan(scan: domain.Scan) -> QrScan:
    return QrScan(
        id=strawberry.ID(str(scan.id)),
        at=scan.at,
        code=scan.code,
        exists=scan.exists,
        problems=list(scan.problems),
        record_number=None if scan.record_id is None else Long(scan.record_id),
        serial=scan.serial,
        caller=scan.caller,
        role=scan.role,
        address=scan.address,
        surface=scan.surface,
    )


def _filter(given: QrScanFilter | None) -> domain.ScanFilter:
    if given is None:
        return domain.EVERY_SCAN
    return domain.ScanFilter(
        code=given.code,
        caller=given.caller,
        exists=given.exists,
        faultless=given.faultless,
        since=given.since,
        until=given.until,
    )
