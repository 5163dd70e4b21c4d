"""Why a token does not do what it was asked: each reason with its own code."""

from domain.errors import Conflict, Invalid, NotFound, Unavailable


class TokensUnavailable(Unavailable):
    """No token can be asked at all."""

    code = "TOKENS_UNAVAILABLE"
    title = "Tokens Unavailable"
    meaning = "p11-kit is missing, or a PKCS#11 module does not load, hangs or crashes."
    remedy = (
        "Install p11-kit-modules and the token's own module; `p11-kit list-modules` shows what "
        "p11-kit finds."
    )


class TokenRefused(Unavailable):
    """The token answered with an error that is none of the others here."""

    code = "TOKEN_REFUSED"
    title = "Token Refused"
    meaning = "The token refused with the PKCS#11 error that the message names."
    remedy = "Look the error up in the token's manual; unplug and plug it in again."


class TokenNotFound(NotFound):
    """No token fits."""

    code = "TOKEN_NOT_FOUND"
    title = "Token Not Found"
    meaning = "No token that is plugged in fits the URI or the name."
    remedy = "Plug the token in; the query `tokens` lists all that are seen."


class TokenAmbiguous(Conflict):
    """Several tokens fit, and a PIN is never tried on more than the one that was meant."""

    code = "TOKEN_AMBIGUOUS"
    title = "Several Tokens Match"
    meaning = "Several tokens fit, and a PIN is only ever tried on the one that was meant."
    remedy = "Name the token: `token=` in the URI, and `serial=` where two have the same label."


class TokenKeyNotFound(NotFound):
    """The token holds no such key."""

    code = "TOKEN_KEY_NOT_FOUND"
    title = "Key Not Found on Token"
    meaning = "The token was unlocked and holds no private key of this label and id."
    remedy = "Discovery lists the keys of the token; labels are case-sensitive."


class TokenKeyAmbiguous(Conflict):
    """Several keys of the token fit."""

    code = "TOKEN_KEY_AMBIGUOUS"
    title = "Several Keys Match"
    meaning = "Several private keys of the token have this label."
    remedy = "Add the key's `id=` to the URI, as discovery lists it."


class TokenKeyUnusable(Conflict):
    """The key is there and cannot sign for us."""

    code = "TOKEN_KEY_UNUSABLE"
    title = "Key Cannot Sign"
    meaning = "The key is of a kind that cannot make these signatures, or it may not sign."
    remedy = "Use an RSA key whose attribute CKA_SIGN is set."


class PinRequired(Invalid):
    """The token wants a PIN and there is none."""

    code = "PIN_REQUIRED"
    title = "PIN Needed"
    meaning = "The token must be unlocked, and no PIN was given or is stored for it."
    remedy = "Give the PIN, or store it with `setTokenPin`."


class PinWrong(Invalid):
    """The token refused the PIN."""

    code = "PIN_WRONG"
    title = "Wrong PIN"
    meaning = "The token refused the PIN; after some wrong ones it locks itself."
    remedy = "Check the PIN before you try again; the query `tokens` tells how many tries are left."


class PinFinalTry(Conflict):
    """One more wrong PIN locks the token, so the stored one is not tried."""

    code = "PIN_FINAL_TRY"
    title = "Last PIN Try"
    meaning = "One more wrong PIN locks the token, so the stored PIN is not tried by itself."
    remedy = "Validate the key with its right PIN typed in; that sets the counter back."


class PinLocked(Conflict):
    """The token's PIN is locked."""

    code = "PIN_LOCKED"
    title = "PIN Locked"
    meaning = "The token locked its PIN after too many wrong ones; no PIN is tried on it."
    remedy = "Unlock it with the security officer's PIN and the token's own tool."


class PinNotSet(Conflict):
    """The token has no user PIN yet."""

    code = "PIN_NOT_SET"
    title = "Token Has No PIN"
    meaning = "The token's user PIN was never set, so nobody can unlock it."
    remedy = "Set it up with the token's own tool, such as `softhsm2-util --init-token`."
