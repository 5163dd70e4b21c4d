"""What schemathesis loads: the check of GraphQL answers that stands in for its own.

Its own takes every error of a field for a failure of the server; ours tell a client's mistakes
apart by their codes, all of which are in docs/errors.md.
"""

import re
from pathlib import Path
from typing import Any

import schemathesis

CATALOGUE = Path(__file__).parents[2] / "docs/errors.md"
CODES = frozenset(re.findall(r"^\| `([A-Z0-9_]+)` \|", CATALOGUE.read_text(), re.MULTILINE))


@schemathesis.check
def graphql_errors_have_codes(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: "schemathesis.Case[Any]"
) -> None:
    """Fails on what nobody expected, on errors without a code, and on codes nobody can look up."""
    del ctx, case
    assert response.status_code in {200, 400}, response.status_code
    answer = response.json()
    assert answer.keys() <= {"data", "errors"}, answer
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert set(codes) <= CODES, codes
    assert "data" in answer or codes, answer
