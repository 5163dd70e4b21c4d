"""Whether the next board can be made, as GraphQL clients see it."""

import strawberry

from domain.preflight.findings import Check, Finding, Outcome, Preflight, Topic
from resolvers.preflight import check_readiness
from schema.context import Info, who
from schema.enums import describe_enum

describe_enum(
    Topic,
    name="ReadinessTopic",
    description="What was looked at before the next board.",
    values={
        Topic.SETTINGS: "The settings, one by one and together.",
        Topic.IMAGE: "The gold master: there, sound, and for the configured boards.",
        Topic.KEY: "The signing key: there, fit, to be opened, and the registered one.",
        Topic.FIRMWARE: "The bootloader firmware: there, of the right chip and size.",
        Topic.FOLDERS: "The folders and the database that the settings name.",
        Topic.SPACE: "The room on the station's disk.",
        Topic.PORTS: "The port rules.",
        Topic.UNITS: "The systemd units that a board goes through.",
    },
)
describe_enum(
    Outcome,
    name="ReadinessOutcome",
    description="How it looks.",
    values={
        Outcome.PASSED: "All is well.",
        Outcome.WARNING: "Boards can be made, but somebody should know this.",
        Outcome.UNKNOWN: "It could not be found out, so nobody should rely on it.",
        Outcome.FAILED: "No board can be made, or it would be a wrong one.",
    },
)


@strawberry.type(description="One thing that is not as it should be.")
class ReadinessFinding:
    """A finding."""

    topic: Topic = strawberry.field(description="What it belongs to.")
    outcome: Outcome = strawberry.field(description="How bad it is.")
    because: str = strawberry.field(description="What is wrong, a sentence for an operator.")
    remedy: str = strawberry.field(description="What to do about it.")
    variables: list[str] = strawberry.field(
        description="The settings that it is about; none where no setting helps."
    )


@strawberry.type(description="One topic and what was found.")
class ReadinessCheck:
    """A check."""

    topic: Topic = strawberry.field(description="What was looked at.")
    outcome: Outcome = strawberry.field(description="The worst that was found.")
    findings: list[ReadinessFinding] = strawberry.field(description="The worst first.")


@strawberry.type(
    description="Whether boards can be made with this station as it stands. Nothing is changed and "
    "no token is logged in to by asking."
)
class BoardReadiness:
    """The answer of the preflight."""

    ready: bool = strawberry.field(
        description="Whether the next board may be plugged in: nothing failed, and everything "
        "could be looked at."
    )
    summary: str = strawberry.field(
        description="Ready, or the worst reason with what to do, and how many more there are."
    )
    checks: list[ReadinessCheck] = strawberry.field(description="Every topic, in a fixed order.")
    findings: list[ReadinessFinding] = strawberry.field(
        description="The findings of all topics, the worst first."
    )


def _finding(finding: Finding) -> ReadinessFinding:
    return ReadinessFinding(
        topic=finding.topic,
        outcome=finding.outcome,
        because=finding.because,
        remedy=finding.remedy,
        variables=list(finding.variables),
    )


def _check(check: Check) -> ReadinessCheck:
    return ReadinessCheck(
        topic=check.topic,
        outcome=check.outcome,
        findings=[_finding(finding) for finding in check.findings],
    )


def _readiness(preflight: Preflight) -> BoardReadiness:
    return BoardReadiness(
        ready=preflight.ready,
        summary=preflight.summary,
        checks=[_check(check) for check in preflight.checks],
        findings=[_finding(finding) for finding in preflight.findings],
    )


@strawberry.type
class PreflightQueries:
    """Root fields about the next board."""

    @strawberry.field(
        description="Whether boards can be made with this configuration, image, key and firmware; "
        "else why not, and what to do."
    )
    async def readiness(self, info: Info) -> BoardReadiness:
        """Resolves the preflight."""
        return _readiness(await check_readiness(*who(info)))
