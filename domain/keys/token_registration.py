"""How a key on a token becomes a registered signing key: read first, then written down."""

from domain.errors import Conflict
from domain.file_accesses import FileAccess
from domain.keys.pin import Pin
from domain.keys.reports import KeyReport
from domain.keys.signing_keys import Registered, SigningKeys
from domain.keys.signing_tokens import SigningTokens


class TokenKeyUnreadable(Conflict):
    """A key on a token of which nothing is known."""

    code = "TOKEN_KEY_UNREADABLE"
    title = "Key Cannot Be Read"
    meaning = "The token has the key and does not tell its public half, so nothing is known of it."
    remedy = "Store the public key on the token beside the private one, with the same id."


class TokenRegistration:
    """Registers keys of tokens."""

    def __init__(self, tokens: SigningTokens, keys: SigningKeys) -> None:
        self._tokens = tokens
        self._keys = keys

    async def register(
        self,
        uri: str,
        *,
        label: str = "",
        pin: Pin | None = None,
        activate: bool = True,
        note: FileAccess,
    ) -> Registered:
        """Reads the key from its token and registers it; an empty label becomes the URI, and a
        URI that is known keeps its id. It becomes active if that is wanted or none is, and if it
        is fit.

        Raises what `SigningTokens.report` and `SigningKeys.register_token` raise, and
        `TokenKeyUnreadable`.
        """
        report: KeyReport = await self._tokens.report(uri, pin=pin)
        if not report.is_valid:
            raise TokenKeyUnreadable(f"{report.problem}.", field="uri")
        return await self._keys.register_token(
            uri, label=label, report=report, activate=activate, note=note
        )
