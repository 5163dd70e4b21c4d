"""The settings of the service: defaults, then the settings file, then flags; read once, then
frozen."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Never, cast

from domain.caller import Role
from domain.host_paths import HostPaths

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
MOST_KEPT = 2**31 - 1
MODULE_VARIABLE = "PKCS11_PROVIDER_MODULE"
BUS_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"


class SettingWrong(Exception):
    """A setting cannot be used; the message names it, its source and what is possible."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token that may be used: whose it is, in which role, and the SHA-256 of its text."""

    name: str
    role: Role
    sha256: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, in `service.toml` under the same name or by a flag.

    `root` is the root prefix; `address`, `port` and `https_port` are listened on (ports 0 to 65535,
    0 picks a free one); `https` is off with `--disable-https`; `log_level` is one of `LEVELS`;
    `rest_errors` is `flat` or `documented`; `trust_network` lets everybody in beyond loopback;
    `allowed_hosts` are further names in Host; `allowed_origins` are other sites whose pages may use
    the service; `trusted_proxies` are the addresses whose `X-Forwarded-For` and `X-Forwarded-User`
    are believed, their users having `proxy_role`; `audit_keep_days`, `audit_keep_rows` and
    `audit_keep_megabytes` (10^6 bytes) limit the audit log, 0 being no limit;
    `upload_limit_megabytes` (10^6 bytes) is the most that an upload may be or unpack to, 0 being
    what the disk holds; `trusted_documents` is the file of the only GraphQL documents that are
    run, empty for no such limit;
    `pkcs11_module` is the PKCS#11 module that is asked for tokens, empty for p11-kit's.
    """

    root: Path = Path("/")
    address: str = "127.0.0.1"
    port: int = 3142
    https_port: int = 3143
    https: bool = True
    log_level: str = "info"
    rest_errors: str = "flat"
    trust_network: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    proxy_role: Role = Role.OPERATOR
    tokens: tuple[Token, ...] = ()
    audit_keep_days: int = 0
    audit_keep_rows: int = 0
    audit_keep_megabytes: int = 0
    upload_limit_megabytes: int = 0
    trusted_documents: str = ""
    pkcs11_module: str = ""
    bus_address: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> str:
        """Returns where the value of `name` comes from: `default`, `flag`, a file, a variable."""
        return self.sources.get(name, "default")


NAMES = tuple(f.name for f in fields(Settings) if f.name not in ("sources", "root", "bus_address"))


def read_settings(flags: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """Returns the effective settings; `flags` holds only what was given on the command line.

    Raises `SettingWrong`.
    """
    root = flags.get("root")
    settings = replace(Settings(), root=Path(str(root)).resolve() if root else Path("/"))
    paths = HostPaths(settings.root)
    settings = _with(settings, _file(paths), source=paths.settings)
    settings = _with(settings, {k: v for k, v in flags.items() if k != "root"}, source="flag")
    module = environment.get(MODULE_VARIABLE)
    if module and not settings.pkcs11_module:
        # Named for the program that signed before (contract configuration 9).
        settings = _with(settings, {"pkcs11_module": module}, source=MODULE_VARIABLE)
    bus = environment.get(BUS_VARIABLE)
    sources = {**settings.sources, **({"bus_address": BUS_VARIABLE} if bus else {})}
    sources |= {"root": "flag"} if root else {}
    return replace(settings, bus_address=bus or None, sources=sources)


def _file(paths: HostPaths) -> Mapping[str, object]:
    try:
        return tomllib.loads(paths.real(paths.settings).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingWrong(f"{paths.settings} cannot be read: {reason}.") from error


def _with(settings: Settings, values: Mapping[str, object], *, source: str) -> Settings:
    for name, value in values.items():
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise SettingWrong(f"{source}: there is no setting {name!r}; there are {known}.")
        sources = {**settings.sources, name: source}
        changes = {name: _checked(name, value, source), "sources": sources}
        # Each value was checked just now; the names are only known as texts.
        settings = replace(settings, **cast("dict[str, Never]", changes))
    return settings


def _checked(name: str, value: object, source: str) -> object:
    problem = f"{source}: {name} is {value!r}; "
    if name in ("port", "https_port"):
        return _number(value, 65535, problem + "a port is a number from 1 to 65535.")
    if name.startswith("audit_keep_") or name == "upload_limit_megabytes":
        return _number(value, MOST_KEPT, problem + "it is a whole number, 0 for no limit.")
    if name in ("https", "trust_network"):
        if not isinstance(value, bool):
            raise SettingWrong(problem + "it is true or false.")
        return value
    if name == "tokens":
        return tuple(_token(entry, source) for entry in _list(value, problem))
    if name in ("allowed_hosts", "allowed_origins", "trusted_proxies"):
        return tuple(_text(entry, problem) for entry in _list(value, problem))
    return _word(name, _text(value, problem), problem)


def _number(value: object, most: int, problem: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise SettingWrong(problem)
    return value


def _word(name: str, value: str, problem: str) -> object:
    if name == "proxy_role":
        return _role(value, problem)
    if name == "log_level" and value.lower() not in LEVELS:
        raise SettingWrong(problem + f"it is one of {', '.join(LEVELS)}.")
    if name == "rest_errors" and value not in ("flat", "documented"):
        raise SettingWrong(problem + "it is flat or documented.")
    return value.lower() if name == "log_level" else value


def _token(entry: object, source: str) -> Token:
    problem = f"{source}: a token is a table with name, role and sha256; "
    if not isinstance(entry, dict):
        raise SettingWrong(problem + f"this is {type(entry).__name__}.")
    name, sha256 = _text(entry.get("name"), problem), _text(entry.get("sha256"), problem).lower()
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise SettingWrong(problem + f"sha256 of {name!r} is not 64 hex digits.")
    return Token(name, _role(_text(entry.get("role"), problem), problem), sha256)


def _role(words: str, problem: str) -> Role:
    try:
        return Role.from_words(words)
    except ValueError as error:
        raise SettingWrong(f"{problem}{error}.") from error


def _text(value: object, problem: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingWrong(problem + "a text is needed.")
    return value


def _list(value: object, problem: str) -> list[object]:
    if not isinstance(value, list):
        raise SettingWrong(problem + "a list is needed.")
    return cast("list[object]", value)
