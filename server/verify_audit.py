"""`provisioner-service audit verify`: whether the audit log is as it was written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from adapters.audit.verifying import verify_file
from domain.audit.chain import head_of
from domain.audit.verification import Report
from domain.errors import ProvisionerError


def verify_audit(path: Path, heads: Sequence[str], output: TextIO) -> int:
    """Writes what was found; returns 0 when all is well, else 1."""
    try:
        report = verify_file(path, [head_of(head) for head in heads])
    except ProvisionerError as error:
        output.write(f"{error.message} {error.remedy}\n")
        return 1
    output.writelines(f"{line}\n" for line in _lines(report))
    return 0 if report.is_whole else 1


def _lines(report: Report) -> list[str]:
    start = report.checkpoint
    lines = [f"WRONG: {finding}." for finding in report.findings]
    if start.pruned:
        lines.append(f"Pruned by retention: the rows up to {start.pruned}.")
    if report.uncovered:
        lines.append(f"Not covered: {report.uncovered} rows from before the chain began.")
    lines += [f"Not judged: {head} was pruned since." for head in report.unjudged]
    lines.append(f"Verified: {report.verified} rows.")
    lines.append(f"Head: {report.head}")
    return lines
