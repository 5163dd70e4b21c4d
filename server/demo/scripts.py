"""Scripts: programs of the station at work, each with what it found out when it began."""

from dataclasses import dataclass

from server.demo.services import Service


@dataclass(slots=True)
class Script:
    """One run of a unit's program, with the variables that its rows and lines are made of.

    `serial` is what it takes for the device's serial, `endpoint` the USB path that it found, empty
    where it found none; `board_type` is empty until rpiboot has read it. `invocation_id` is
    systemd's, 32 hex digits; `job` is the number of its start job.
    """

    service: Service
    unit: str
    pid: int
    job: int
    invocation_id: str
    node: str
    serial: str
    endpoint: str
    board_type: str = ""
    ready: bool = False

    @property
    def slice(self) -> str:
        """The slice that systemd keeps a template's units in."""
        return f"system-{self.service.prefix.replace('-', BACKSLASHED_DASH)}.slice"

    @property
    def control_group(self) -> str:
        """Where its processes are."""
        return f"/system.slice/{self.slice}/{self.unit}"


BACKSLASHED_DASH = r"\x2d"
