"""The command line: `provisioner-service COMMAND`."""

import argparse
import asyncio
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from domain.caller import Role
from domain.host_paths import HostPaths
from rest_compat.numbers import stoi
from server.access import ListeningRefused, check_listening
from server.settings import LEVELS, Settings, SettingWrong, read_settings

Command = Callable[[argparse.Namespace], int]
USAGE, OLD_USAGE = 2, 1
"""The status where a command line makes no sense: the key helper's (contract configuration 14) and
of all commands that it had not, and the existing service's (contract common section 5)."""
FASTEST = 1000.0
"""Times that the line of a demo can run faster than a real station."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the process's exit status."""
    asked, more = _parser().parse_known_args(arguments)
    if more:
        asked.refuse(f"unrecognized arguments: {' '.join(more)}")
    command: Command = asked.command
    try:
        return command(asked)
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would else fail once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SettingWrong, ListeningRefused) as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to people
        return 1


class Parser(argparse.ArgumentParser):
    """Ends with `usage_status` where a command line makes no sense."""

    usage_status = USAGE

    def error(self, message: str) -> NoReturn:
        """Prints how the program is used and what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(self.usage_status, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="provisioner-service", description=__doc__)
    parser.usage_status = OLD_USAGE
    _add_version(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = _add(commands, "serve", _serve, "run the service")
    serve.usage_status = OLD_USAGE
    _add_version(serve)
    _add_flags(serve)
    demo = _add(commands, "demo", _demo, "run the service on a throw-away simulated station")
    # It has a root of its own, and no HTTPS.
    _add_common_flags(demo)
    demo.set_defaults(root=None, https=None, https_port=None)
    _add_demo_flags(demo)
    check = _add(commands, "check", _check, "show what of the host is ready, and the settings")
    _add_flags(check)
    _add(commands, "schema", _schema, "print the GraphQL schema (SDL)")
    _add(commands, "openapi", _openapi, "print the OpenAPI document")
    _add(commands, "version", _version, "print the version")
    _add_audit(commands)
    _add_keyhelper(commands)
    token = _add(commands, "token", _token, "make a token; prints it once, with its settings entry")
    token.add_argument("name", help="whose token it is")
    token.add_argument("role", choices=[role.words for role in Role if role is not Role.NOBODY])
    return parser


def _add(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    command: Command,
    words: str,
) -> Parser:
    parser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(command=command, refuse=parser.error)
    return parser


def _add_version(parser: argparse.ArgumentParser) -> None:
    words = "print the version and end"
    parser.add_argument("-v", "--version", action=_Version, nargs=0, help=words)


class _Version(argparse.Action):
    """Finds the version only when it is asked for: that takes longer than reading a command
    line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(_version_line())  # noqa: T201 -- the command's answer
        parser.exit()


def _add_demo_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed",
        type=_speed,
        default=10.0,
        metavar="TIMES",
        help="how many times faster than a real station the line runs, at most (10)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="NUMBER", help="which of all possible lines (1)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="simulate in DIR, new or empty, and keep it"
    )


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"it is above 0 and at most {FASTEST:.0f}")
    return speed


def _add_audit(commands: "argparse._SubParsersAction[Parser]") -> None:
    words = "look after the audit log"
    parser = commands.add_parser("audit", help=words, description=words)
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = _add(inner, "verify", _verify_audit, "name rows that were altered, taken out or added")
    verify.add_argument("--root", metavar="DIR", help="take every path below DIR (/)")
    verify.add_argument("--file", metavar="FILE", help="another file, such as a copy")
    verify.add_argument(
        "--head",
        metavar="[ID:]HASH",
        action="append",
        default=[],
        help="a head that the chain must still have, beside those in the host's journal "
        "(journalctl -t provisioner-audit -o cat); may be given more than once",
    )


def _add_keyhelper(commands: "argparse._SubParsersAction[Parser]") -> None:
    words = "sign for the station's scripts, in place of rpi-sb-keyhelper"
    parser = commands.add_parser("keyhelper", help=words, description=words)
    inner = parser.add_subparsers(required=True, metavar="COMMAND", dest="work")
    sign = _add(inner, "sign", _keyhelper, "print the signature of a file in hex")
    sign.add_argument("--in", dest="input", metavar="FILE", type=Path, required=True)
    pubkey = _add(inner, "pubkey", _keyhelper, "print the public key in PEM")
    for command in (sign, pubkey):
        command.add_argument("--root", metavar="DIR", help="take the keys below DIR (/)")
        # Not a group of either or: the URI comes before the file (contract configuration 14).
        command.add_argument("--key", metavar="FILE", help="a key in PEM, wrapped or plain")
        command.add_argument("--pkcs11-uri", dest="uri", metavar="URI", help="a token's key")


def _keyhelper(asked: argparse.Namespace) -> int:
    from server.keyhelper import run_keyhelper

    if not asked.uri and not asked.key:
        asked.refuse("--key or --pkcs11-uri is needed")
    return run_keyhelper(asked, os.environ)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", metavar="DIR", help="take every path below DIR (/)")
    _add_common_flags(parser)
    parser.add_argument("-s", "--https-port", type=_port, help="port of HTTPS (3143)")
    parser.add_argument(
        "-d", "--disable-https", dest="https", action="store_false", default=None, help="HTTP only"
    )


def _add_common_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--address", metavar="IP", help="listen here (127.0.0.1)")
    parser.add_argument("-p", "--port", type=_port, help="port of HTTP (3142)")
    parser.add_argument("-l", "--log-level", type=_level, metavar="LEVEL", help=", ".join(LEVELS))
    parser.add_argument(
        "--trust-network",
        action="store_true",
        default=None,
        help="let everybody in who reaches the address",
    )


def _port(text: str) -> int:
    """Returns the number that a port begins with, as the existing service reads it: `80x` is 80
    (contract common section 5)."""
    number = stoi(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return number


def _level(text: str) -> str:
    """Returns the level; what is none is told, and everything is logged (contract common section
    5)."""
    if text.lower() in LEVELS:
        return text.lower()
    print(f"{text!r} is no log level ({', '.join(LEVELS)}): trace it is.", file=sys.stderr)  # noqa: T201
    return "trace"


def settings_of(asked: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Returns the effective settings of a command line; raises `SettingWrong`."""
    names = ("root", "address", "port", "https_port", "https", "log_level", "trust_network")
    given = {name: getattr(asked, name) for name in names}
    return read_settings({k: v for k, v in given.items() if v is not None}, environment)


def _serve(asked: argparse.Namespace) -> int:
    from server.running import run_service
    from server.serve import run

    settings = settings_of(asked, os.environ)
    check_listening(settings)
    return run(run_service(settings))


def _demo(asked: argparse.Namespace) -> int:
    from server.demo.running import Demo, run_demo
    from server.serve import run

    settings = settings_of(asked, os.environ)
    check_listening(settings)
    return run(run_demo(settings, Demo(asked.speed, asked.seed, asked.keep)))


def _check(asked: argparse.Namespace) -> int:
    from server.check import check_host

    return asyncio.run(check_host(settings_of(asked, os.environ), sys.stdout))


def _verify_audit(asked: argparse.Namespace) -> int:
    from server.verify_audit import verify_audit

    paths = HostPaths(Path(asked.root or "/").resolve())
    path = Path(asked.file) if asked.file else paths.real(paths.audit_db)
    # A copy may be of another host, whose journal is not here.
    journal = None if asked.file else paths.root
    return verify_audit(path, asked.head, sys.stdout, journal=journal)


def _schema(_: argparse.Namespace) -> int:
    from schema.build import build_schema

    print(build_schema().as_str())  # noqa: T201 -- the command's answer
    return 0


def _openapi(_: argparse.Namespace) -> int:
    from server.running import openapi_document

    print(json.dumps(openapi_document(), indent=2))  # noqa: T201 -- the command's answer
    return 0


def _version(_: argparse.Namespace) -> int:
    print(_version_line())  # noqa: T201 -- the command's answer
    return 0


def _version_line() -> str:
    from server.wiring.versions import service_version

    return f"provisioner-service v{service_version()}"


def _token(asked: argparse.Namespace) -> int:
    text = secrets.token_urlsafe(32)
    digest = hashlib.sha256(text.encode()).hexdigest()
    print(f"The token, shown only now: {text}\n")  # noqa: T201 -- the command's answer
    print("Its entry in /etc/rpi-sb-provisioner/service.toml:\n")  # noqa: T201
    name = json.dumps(asked.name, ensure_ascii=False)
    print(f'[[tokens]]\nname = {name}\nrole = "{asked.role}"\nsha256 = "{digest}"')  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
