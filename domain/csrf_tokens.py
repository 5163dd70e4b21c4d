"""CSRF tokens for form posts of browsers (contract configuration section 2.1)."""

import hmac
import secrets
import string
import time
from collections import deque
from collections.abc import Callable

from domain.errors import Denied

LETTERS = string.ascii_letters + string.digits
LENGTH = 32
LIFE_SECONDS = 3600
MOST_PER_CLIENT = 64
"""More than the old ten, which the pages of one browser used up within an hour."""
MOST_CLIENTS = 1024


class CsrfTokenRefused(Denied):
    """A CSRF token came and is not one that this client was given."""

    code = "CSRF_VALIDATION_FAILED"
    title = "Security Error"
    meaning = (
        "The header X-CSRF-Token holds a token that this client was not given or that expired."
    )
    remedy = "Fetch a new token from /options/csrf-token, or send no such header."


class CsrfTokens:
    """Gives tokens to clients and checks them. A client is an address and a User-Agent.

    A token lives an hour from its last use and may be used again. Tokens are kept in memory only.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: dict[tuple[str, str], deque[tuple[str, float]]] = {}

    def issue(self, address: str, user_agent: str) -> str:
        """Returns a new token of 32 letters and digits for this client."""
        tokens = self._clients.pop((address, user_agent), deque())
        while len(self._clients) >= MOST_CLIENTS:
            self._clients.pop(next(iter(self._clients)))
        token = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        tokens.append((token, self._clock()))
        while len(tokens) > MOST_PER_CLIENT:
            tokens.popleft()
        self._clients[address, user_agent] = tokens
        return token

    def check(self, address: str, user_agent: str, token: str) -> None:
        """Raises `CsrfTokenRefused` unless `token` is a live one of this client; renews its
        hour."""
        tokens = self._clients.get((address, user_agent), deque())
        now = self._clock()
        for place, (known, used) in enumerate(tokens):
            same = hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogateescape"))
            if same and now - used <= LIFE_SECONDS:
                tokens[place] = (known, now)
                return
        raise CsrfTokenRefused(
            "This X-CSRF-Token is unknown or expired; fetch a new one from /options/csrf-token."
        )
