"""What is said of one value before it is set."""

from dataclasses import dataclass, field

from domain.images.json_rules import SchemaFault


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """Whether a variable may have a value. `error` says why not and is empty otherwise; `message`
    says what will happen, where there is something to say.

    `is_artefact`: the value names a valid IDP artefact. `faults` are those of its description.
    """

    error: str = ""
    message: str = ""
    is_artefact: bool = False
    faults: tuple[SchemaFault, ...] = field(default=())

    @property
    def is_valid(self) -> bool:
        """Whether the value may be set."""
        return not self.error


GOOD = FieldAnswer()


def bad(error: str) -> FieldAnswer:
    """Returns the answer that refuses."""
    return FieldAnswer(error=error)
