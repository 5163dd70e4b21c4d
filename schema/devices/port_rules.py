"""The rules about USB ports as GraphQL clients see them."""

from typing import Annotated

import strawberry

from domain.devices import port_rules as domain
from domain.devices.port_rules import RuleOrigin
from resolvers.devices.topology import get_port_permission, get_port_rules
from schema.context import Info, who
from schema.enums import describe_enum

describe_enum(
    RuleOrigin,
    name="PortRuleOrigin",
    description="Whose port rules they are.",
    values={
        RuleOrigin.LOCAL: "This station's own, below /etc.",
        RuleOrigin.VENDOR: "A package's, below /usr/share.",
    },
)


@strawberry.type(description="One line of a file of port rules.")
class PortRuleLine:
    """A line."""

    number: int = strawberry.field(description="Its number, from 1.")
    text: str = strawberry.field(description="The line as it is written.")
    pattern: str | None = strawberry.field(
        description="The pattern without comment and blanks; null on a line without any."
    )


@strawberry.type(description="A file of port rules.")
class PortRuleFile:
    """A file."""

    name: str = strawberry.field(description="Its name; a local file masks a package's of its own.")
    path: str = strawberry.field(description="Where it is.")
    origin: RuleOrigin = strawberry.field(description="Whose it is.")
    masked: bool = strawberry.field(
        description="Whether a local file of the same name takes its place, so that it counts not."
    )
    problem: str | None = strawberry.field(
        description="Why the scripts do not read it, or not all is shown; null when all is well."
    )
    lines: list[PortRuleLine] = strawberry.field(description="Its lines.")


@strawberry.type(
    description="The rules that say on which USB ports the station takes boards, as its scripts "
    "read them now."
)
class PortRules:
    """The rules."""

    files: list[PortRuleFile] = strawberry.field(
        description="All files in the order in which they count, the masked ones too."
    )
    patterns: list[str] = strawberry.field(description="The patterns that count, in their order.")
    restricted: bool = strawberry.field(
        description="Whether there is any pattern; without one, every port is permitted."
    )


@strawberry.type(description="What the station's scripts decide for a USB path.")
class PortPermission:
    """A decision."""

    port: str = strawberry.field(description="The USB path.")
    permitted: bool = strawberry.field(description="Whether a board there is taken.")
    pattern: str | None = strawberry.field(
        description="The first pattern that lets it in; null where none does or none is needed."
    )
    file: str | None = strawberry.field(description="The file of that pattern; null without one.")
    line: int | None = strawberry.field(description="The line in that file; null without one.")


def _file(file: domain.RuleFile) -> PortRuleFile:
    return PortRuleFile(
        name=file.name,
        path=file.path,
        origin=file.origin,
        masked=file.is_masked,
        problem=file.problem or None,
        lines=[
            PortRuleLine(
                number=line.number,
                text=line.text,
                pattern=line.pattern.text if line.pattern else None,
            )
            for line in file.lines
        ],
    )


@strawberry.type
class PortRuleQueries:
    """Root fields about port rules."""

    @strawberry.field(description="On which USB ports the station takes boards, and why.")
    async def port_rules(self, info: Info) -> PortRules:
        """Resolves the rules."""
        rules = await get_port_rules(*who(info))
        return PortRules(
            files=[_file(file) for file in rules.files],
            patterns=list(rules.patterns),
            restricted=rules.is_restricting,
        )

    @strawberry.field(
        description="Whether a board at this USB path would be taken now, and by which pattern."
    )
    async def port_permitted(
        self,
        info: Info,
        port: Annotated[
            str,
            strawberry.argument(
                description="The USB path such as 1-1.4; an empty text is a path that nobody knows."
            ),
        ],
    ) -> PortPermission:
        """Resolves a decision."""
        decided = await get_port_permission(*who(info), port=port)
        return PortPermission(
            port=decided.port,
            permitted=decided.is_permitted,
            pattern=decided.pattern,
            file=decided.path,
            line=decided.line,
        )
