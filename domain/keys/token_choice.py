"""Which token and which key a URI means: exactly one, or a precise reason."""

from collections.abc import Sequence

from domain.keys.pkcs11_uri import Pkcs11Uri
from domain.keys.token_refusals import (
    TokenAmbiguous,
    TokenKeyAmbiguous,
    TokenKeyNotFound,
    TokenNotFound,
)
from domain.keys.tokens import Token, TokenKey


def choose_token(tokens: Sequence[Token], uri: Pkcs11Uri) -> Token:
    """Returns the one token that the URI means; raises `TokenNotFound` and `TokenAmbiguous`."""
    usable = [token for token in tokens if token.is_initialised]
    found = [token for token in usable if is_meant(token, uri)]
    if len(found) == 1:
        return found[0]
    seen = ", ".join(token.name for token in usable)
    if found:
        names = ", ".join(token.name for token in found)
        raise TokenAmbiguous(
            f"Several tokens fit: {names}; name the one that is meant with `token=`, and with "
            "`serial=` where two have one label.",
            field="uri",
        )
    if usable:
        raise TokenNotFound(f"No token fits; there are {seen}.", field="uri")
    raise TokenNotFound("No token is plugged in, or none that was set up.", field="uri")


def is_meant(token: Token, uri: Pkcs11Uri) -> bool:
    """Whether every attribute that the URI has for tokens is this token's."""
    own = {
        "token": token.label,
        "serial": token.serial,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "slot-id": str(token.slot_id),
    }
    return all(uri.text(name) == value for name, value in own.items() if name in uri.values)


def choose_key(keys: Sequence[TokenKey], uri: Pkcs11Uri, token: Token) -> TokenKey:
    """Returns the one key that the URI means; raises `TokenKeyNotFound` and
    `TokenKeyAmbiguous`."""
    label = uri.text("object")
    found = [key for key in keys if is_key(key, uri)]
    if len(found) == 1:
        return found[0]
    if not found:
        labels = ", ".join(sorted({f"`{key.label}`" for key in keys})) or "none"
        text = f"The token {token.name} has no private key `{label[:100]}`; it has {labels[:300]}."
        raise TokenKeyNotFound(text, field="uri")
    ids = ", ".join(f"%{key.id.hex('%').upper()}" if key.id else "none" for key in found)
    text = f"The token {token.name} has {len(found)} private keys `{label[:100]}`"
    raise TokenKeyAmbiguous(f"{text}; add the id: {ids[:300]}.", field="uri")


def is_key(key: TokenKey, uri: Pkcs11Uri) -> bool:
    """Whether label and id, as far as the URI has them, are this key's."""
    if "id" in uri.values and key.id != uri.id:
        return False
    return "object" not in uri.values or key.label == uri.text("object")
