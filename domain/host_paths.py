"""Where the station's files are: logical paths, all of them below one root prefix."""

from dataclasses import dataclass
from pathlib import Path

from domain.errors import Invalid

MOST_LINKS = 40
"""As many symbolic links as Linux itself follows in one path (path_resolution(7))."""


class PathRefused(Invalid):
    """A path that cannot name a file of the station."""

    code = "INVALID_PATH"
    title = "Invalid Path"
    meaning = (
        "The path holds a NUL byte, is not absolute, is too long, or its links lead in a circle."
    )
    remedy = "Give an absolute path of an ordinary file."


@dataclass(frozen=True, slots=True)
class HostPaths:
    """Turns logical paths (`/etc/...`, as config, registry and requests spell them) into paths
    below `root`.

    Every symbolic link is followed inside `root`; the target of an absolute link is taken below
    `root` too, and `..` never leaves it. Answers, audit rows and files carry logical paths
    (design 5).
    """

    root: Path = Path("/")

    def real(self, logical: str) -> Path:
        """Returns where `logical` is on this machine, all links followed; it need not exist.

        Raises `PathRefused` when the path is not absolute, holds NUL or leads in a circle.
        """
        return self._walk(logical, follow_last=True)

    def entry(self, logical: str) -> Path:
        """Like `real`, but a link in the last place is not followed: the directory entry itself."""
        return self._walk(logical, follow_last=False)

    def logical(self, real: Path) -> str:
        """Returns the logical path of `real`, which must be below the root."""
        return "/" + str(real.relative_to(self.root)) if real != self.root else "/"

    def _walk(self, logical: str, *, follow_last: bool) -> Path:
        if not logical.startswith("/") or "\0" in logical:
            raise PathRefused(
                "A path of the station is absolute and holds no NUL byte.", detail=logical[:200]
            )
        waiting, done, links = _parts(logical), list[str](), 0
        while waiting:
            part = waiting.pop(0)
            if part == "..":
                done = done[:-1]
                continue
            target = None if not (waiting or follow_last) else self._link(done, part)
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise PathRefused("The links of this path lead in a circle.", detail=logical[:200])
            done = [] if target.startswith("/") else done
            waiting = _parts(target) + waiting
        return self.root.joinpath(*done)

    def _link(self, parents: list[str], name: str) -> str | None:
        try:
            return str(self.root.joinpath(*parents, name).readlink())
        except OSError:
            return None

    @property
    def defaults(self) -> str:
        """The packaged configuration."""
        return "/usr/share/rpi-sb-provisioner/defaults/config"

    @property
    def config(self) -> str:
        """The configuration of this station."""
        return "/etc/rpi-sb-provisioner/config"

    @property
    def keys(self) -> str:
        """The folder of signing keys, 0700."""
        return "/etc/rpi-sb-provisioner/keys"

    @property
    def key_registry(self) -> str:
        """The list of signing keys, 0600."""
        return "/etc/rpi-sb-provisioner/keys/registry.json"

    @property
    def pin(self) -> str:
        """The stored PIN of the token, 0400."""
        return "/etc/rpi-sb-provisioner/keys/pkcs11.pin"

    @property
    def settings(self) -> str:
        """The settings of this service itself."""
        return "/etc/rpi-sb-provisioner/service.toml"

    @property
    def state_db(self) -> str:
        """The shell side's table of device states."""
        return "/srv/rpi-sb-provisioner/state.db"

    @property
    def manufacturing_db(self) -> str:
        """The shell side's table of finished boards, unless the configuration names another."""
        return "/srv/rpi-sb-provisioner/manufacturing.db"

    @property
    def audit_db(self) -> str:
        """Who did what."""
        return "/srv/rpi-sb-provisioner/audit.db"

    @property
    def service_db(self) -> str:
        """What this service alone keeps: names, side indexes, versions."""
        return "/srv/rpi-sb-provisioner/service.db"

    @property
    def images(self) -> str:
        """The store of images."""
        return "/srv/rpi-sb-provisioner/images"

    @property
    def runtime(self) -> str:
        """The private runtime folder, 0700."""
        return "/run/rpi-sb-provisioner"

    @property
    def internal_token(self) -> str:
        """What the station's scripts show when they say that a row was written, 0600."""
        return "/run/rpi-sb-provisioner/internal.token"

    @property
    def usb_devices(self) -> str:
        """The kernel's list of USB devices."""
        return "/sys/bus/usb/devices"

    @property
    def port_rules(self) -> tuple[str, str]:
        """The folders of port rules: this station's, then the package's."""
        return (
            "/etc/rpi-sb-provisioner/usb-ports.d",
            "/usr/share/rpi-sb-provisioner/usb-ports.d",
        )

    @property
    def logs(self) -> str:
        """The folder of all devices' logs and key pairs."""
        return "/var/log/rpi-sb-provisioner"

    def flag(self, flag: str) -> str:
        """Returns the folder with one file for each device that has this flag."""
        return f"/etc/rpi-sb-provisioner/special-{flag}"

    @property
    def journal(self) -> str:
        """The journal's folder."""
        return "/var/log/journal"


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
