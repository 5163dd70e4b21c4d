"""The pages of docs/ that are made from code: configuration, endpoints, errors, roles, what
is live."""

import argparse
import sys
from pathlib import Path

import schema.build  # noqa: F401 -- every error and operation must be imported to be listed
import server.graphql
import server.running  # noqa: F401
from domain.configuration.variables import PREFIXES, VARIABLES, Variable
from domain.errors import every_error, kind_of
from resolvers.operation import REGISTERED
from rest_compat.errors import status_of
from rest_compat.openapi import every_fault
from rest_compat.pending import PENDING
from rest_compat.routes import NOT_HERE, ROUTES, SOCKETS
from server.app import GRAPHQL, STATIC, describe
from server.live_documentation import sockets

ABOUT_GRAPHQL = "By POST, queries by GET too; WebSockets; GraphiQL for browsers."
NOTE = "<!-- Made from code by `make docs`; a test compares it. -->\n\n"


def pages() -> dict[str, str]:
    """Returns each page's text by its file name below docs/."""
    return {
        "configuration.md": configuration(),
        "endpoints.md": endpoints(),
        "errors.md": errors(),
        "roles.md": roles(),
        "sockets.md": sockets(),
    }


def configuration() -> str:
    """Returns the table of all documented variables."""
    lines = [
        f"# Configuration\n\n{NOTE}The station's own file overrides the packaged defaults, also",
        "with an empty value. Read it with the query `configuration`, change it with",
        "`updateConfiguration` or `POST /options/set`. What is marked irreversible burns something",
        "into every board that follows; GraphQL asks for a confirmation by name.\n",
        "| variable | meaning | kind | values | default | remarks |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for variable in VARIABLES:
        values = " ".join(f"`{choice}`" for choice in variable.choices) or "any"
        default = "-" if variable.default is None else f"`{variable.default}`"
        cells = (
            f"`{variable.name}`",
            variable.description,
            variable.kind.value,
            values,
            "empty" if default == "``" else default,
            ", ".join(remarks(variable)) or "-",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        f"\nOther names may be set if they begin with {', '.join(f'`{one}`' for one in PREFIXES)};",
        "every other name is refused. A value is one line of at most 16384 bytes.",
    ]
    return "\n".join(lines) + "\n"


def remarks(variable: Variable) -> list[str]:
    """Returns what else is to be known of a variable, in a few words each."""
    burning = f" ({', '.join(variable.burning)})" if variable.burning else ""
    facts = {
        "needed": variable.needed,
        "secret": variable.secret,
        f"irreversible{burning}": variable.irreversible,
        "a change empties the working folder": variable.prepares,
        "only in the file": variable.file_only,
    }
    return [words for words, holds in facts.items() if holds]


def endpoints() -> str:
    """Returns the table of all paths: served ones with their resolver, then the pending ones."""
    lines = [
        f"# Endpoints\n\n{NOTE}## Served\n",
        "| method | path | answers | resolver | GraphQL | role | contract |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for route in sorted(ROUTES, key=lambda route: (route.path, route.method)):
        serves = route.serves
        name, field, role = ("-", "-", "-")
        if serves is not None:
            name, field = f"`{serves.name}`", f"`{serves.policy.graphql}`"
            role = serves.policy.role.words
        paths = ", ".join(f"`{path}`" for path in route.paths)
        statuses = {answer.status for answer in route.answers}
        statuses |= {fault.status or status_of(fault.error) for fault in every_fault(route)}
        shown = " ".join(str(status) for status in sorted(statuses))
        cells = (route.method, paths, shown, name, field, role, route.contract)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["\n## WebSockets\n", "Without an upgrade these paths answer 404.\n"]
    lines += ["| path | says | resolver | GraphQL | role | contract |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for socket in SOCKETS:
        policy = socket.serves.policy
        told = (f"`{socket.serves.name}`", f"`{policy.graphql}`", policy.role.words)
        lines.append(
            f"| `{socket.path}` | {socket.summary} | {' | '.join(told)} | {socket.contract} |"
        )
    return "\n".join([*lines, *_own(), *_pending()]) + "\n"


def _own() -> list[str]:
    """Returns the table of what is no part of the old service, and needs no resolver of its own."""
    documents = describe(metrics=bytes, openapi=bytes, sdl=bytes)
    return [
        "\n## Beside them\n",
        "| path | what |",
        "| --- | --- |",
        f"| `{GRAPHQL}` | {ABOUT_GRAPHQL} |",
        f"| `{STATIC}` | The files of the pages. |",
        *(f"| `{document.path}` | {document.summary} |" for document in documents),
    ]


def _pending() -> list[str]:
    heading = "\n## Pending\n"
    if not PENDING:
        return [
            heading,
            "Nothing: every documented and every old path is served, but these:\n",
            "| not here (404) | why |",
            "| --- | --- |",
            *(f"| `{path}` | {why} |" for path, why in NOT_HERE.items()),
        ]
    return [
        heading,
        "Answer 501 `NOT_IMPLEMENTED` until their feature exists.\n",
        "| method | path |",
        "| --- | --- |",
        *(
            f"| {later.method} | `{later.path}` |"
            for later in sorted(PENDING, key=lambda later: (later.path, later.method))
        ),
    ]


def errors() -> str:
    """Returns the catalogue of all error codes."""
    lines = [
        f"# Errors\n\n{NOTE}A route may answer another status where the contract says so: see",
        "[endpoints](endpoints.md). `INTERNAL` (500) is everything unexpected: the log has it",
        "under the correlation id of the answer.\n",
        "| code | kind | status | meaning | what to do |",
        "| --- | --- | --- | --- | --- |",
    ]
    for error in every_error():
        kind = kind_of(error).__name__
        lines.append(
            f"| `{error.code}` | {kind} | {status_of(error)} | {error.meaning} | {error.remedy} |"
        )
    return "\n".join(lines) + "\n"


def roles() -> str:
    """Returns which role each operation needs."""
    lines = [
        f"# Roles\n\n{NOTE}viewer < operator < engineer < key-officer; each may do what those",
        "before it may. `nobody` needs no token.\n",
        "| operation | GraphQL | role | effect | paths |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, policy in sorted(REGISTERED.items()):
        served = [r.path for r in ROUTES if r.serves is not None and r.serves.name == name]
        paths = ", ".join(f"`{path}`" for path in served) or "-"
        role, effect = policy.role.words, policy.effect.value
        lines.append(f"| `{name}` | `{policy.graphql}` | {role} | {effect} | {paths} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the pages into a folder, or with --check says which of them are old."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    old = 0
    for name, text in pages().items():
        path: Path = asked.folder / name
        if asked.check and (not path.exists() or path.read_text("utf-8") != text):
            sys.stderr.write(f"{path} is not what the code says; run `make docs`\n")
            old = 1
        elif not asked.check:
            path.write_text(text, "utf-8")
    return old


if __name__ == "__main__":
    sys.exit(main())
