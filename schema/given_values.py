"""What GraphQL itself says of a wrong value, without the value: it may be a key or a PIN."""

import re

_GIVEN = re.compile(r"(?:[,;.]? [Ff]ound:? |(?<=value): )(?!null\b|undefined\b)", re.DOTALL)
"""Where graphql-core begins to repeat a value: a variable's (`found: …`), a literal's (`found …`),
a scalar's (`… value: …`)."""
_LONG = re.compile(r"[A-Za-z0-9+/=\\]{40,}")
"""A line of Base64, as a syntax error may repeat one."""


def without_values(message: str) -> str:
    """Returns a message of graphql-core up to where it repeats what it was given."""
    found = _GIVEN.search(message)
    told = message[: found.start()].removesuffix(".") if found else message
    told = told if not found or told.endswith("?") else f"{told}."
    return _LONG.sub("…", told)
