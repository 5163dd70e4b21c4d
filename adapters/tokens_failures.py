"""What python-pkcs11's errors mean to an operator."""

from domain.errors import ProvisionerError
from domain.keys.token_refusals import (
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    TokenAmbiguous,
    TokenKeyAmbiguous,
    TokenKeyNotFound,
    TokenKeyUnusable,
    TokenNotFound,
    TokenRefused,
    TokensUnavailable,
)
from domain.keys.tokens import Token

GONE = frozenset(
    {"NoSuchToken", "TokenNotPresent", "DeviceRemoved", "SlotIDInvalid", "SessionHandleInvalid"}
)
WRONG = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})
UNUSABLE = frozenset(
    {"MechanismInvalid", "KeyTypeInconsistent", "KeySizeRange", "FunctionNotSupported"}
)


def failure(
    word: str, flags: frozenset[str] = frozenset(), *, token: Token | None = None, key: str = ""
) -> ProvisionerError:
    """Returns the error for the name of one of python-pkcs11's; `flags` are the token's after a
    login that it refused (PKCS#11 2.40 section 3.2)."""
    name = token.name if token else "that was asked"
    if word == "ModuleBroken":
        return TokensUnavailable(
            "The PKCS#11 module cannot be loaded: it is no such module, or one of its libraries "
            "is missing. `ldd` on the file shows which."
        )
    if word in WRONG:
        return _wrong_pin(name, flags)
    if word in GONE:
        return TokenNotFound(f"The token {name} is gone; plug it in.", field="uri")
    if token is not None and word in REASONS:
        kind, reason = REASONS[word]
        return kind(reason.format(token=name, key=key[:100]))
    if word in UNUSABLE:
        text = f"The token {name} cannot sign with the key `{key[:100]}` ({word})."
        return TokenKeyUnusable(text)
    return TokenRefused(f"The token {name} refused: {word}.", detail=word)


REASONS: dict[str, tuple[type[ProvisionerError], str]] = {
    "PinLocked": (
        PinLocked,
        "The PIN of the token {token} is locked; only the security officer can unlock it.",
    ),
    "UserPinNotInitialized": (
        PinNotSet,
        "The token {token} has no user PIN yet; set it up with its own tool.",
    ),
    "UserNotLoggedIn": (PinRequired, "The token {token} wants its PIN for this."),
    "MultipleTokensReturned": (
        TokenAmbiguous,
        "Two tokens have the label and serial of {token}; unplug the one that is not meant.",
    ),
    "NoSuchKey": (TokenKeyNotFound, "The token {token} has no private key `{key}`."),
    "MultipleObjectsReturned": (
        TokenKeyAmbiguous,
        "The token {token} has several private keys `{key}` of one id; give them different ids.",
    ),
}


def _wrong_pin(name: str, flags: frozenset[str]) -> ProvisionerError:
    if "USER_PIN_LOCKED" in flags:
        return PinLocked(
            f"The token {name} refused the PIN and is locked now; only the security officer can "
            "unlock it.",
            field="pin",
        )
    text = f"The token {name} refused the PIN"
    if "USER_PIN_FINAL_TRY" in flags:
        return PinWrong(f"{text}; one more wrong PIN locks it.", field="pin")
    if "USER_PIN_COUNT_LOW" in flags:
        return PinWrong(f"{text}; further wrong PINs will lock it.", field="pin")
    return PinWrong(f"{text}.", field="pin")
