"""`provisioner-service audit verify`: whether the audit log is as it was written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from adapters.audit.journal_heads import heads_told
from adapters.audit.verifying import verify_file
from domain.audit.chain import Head, head_of
from domain.audit.verification import Report
from domain.errors import ProvisionerError

NO_HEADS = (
    "Not held against the journal: it has no heads, or cannot be read. A tail that was cut off "
    "with its counter, or a chain made anew, shows by a head only: give one with --head."
)


def verify_audit(
    path: Path, heads: Sequence[str], output: TextIO, *, journal: Path | None = None
) -> int:
    """Writes what was found; returns 0 when all is well, else 1. `heads` are given by somebody,
    more are taken from the journal of the host `journal` (its root)."""
    try:
        told = heads_told(journal, path) if journal else []
        report = verify_file(path, [*map(head_of, heads), *told])
    except ProvisionerError as error:
        output.write(f"{error.message} {error.remedy}\n")
        return 1
    output.writelines(f"{line}\n" for line in _lines(report))
    if journal and not told:
        output.write(f"{NO_HEADS}\n")
    elif told:
        output.write(f"Held against the journal: {_counted(told)}.\n")
    return 0 if report.is_whole else 1


def _counted(heads: Sequence[Head]) -> str:
    return str(heads[0]) if len(heads) == 1 else f"{len(heads)} heads up to {heads[-1]}"


def _lines(report: Report) -> list[str]:
    start = report.checkpoint
    lines = [f"WRONG: {finding}." for finding in report.findings]
    if start.pruned:
        lines.append(f"Pruned by retention: the rows up to {start.pruned}.")
    if report.uncovered:
        lines.append(f"Not covered: {report.uncovered} rows from before the chain began.")
    if report.unjudged:
        lines.append(f"Not judged: {_counted(report.unjudged)}, pruned since.")
    lines.append(f"Verified: {report.verified} rows.")
    lines.append(f"Head: {report.head}")
    return lines
