"""How the facts of a key look to legacy clients (contract configuration 7.1)."""

from domain.keys.reports import KeyReport
from rest_compat.route import Json, Schema

TEXT: Schema = {"type": "string"}
KEY_INFO: Schema = {
    "type": "object",
    "required": [
        "algorithm",
        "keySize",
        "isPrivateKey",
        "fingerprint",
        "isFitForPurpose",
        "statusMessage",
        "statusLevel",
        "valid",
    ],
    "properties": {
        "algorithm": TEXT,
        "keySize": {"type": "integer", "description": "Bits."},
        "isPrivateKey": {"type": "boolean"},
        "fingerprint": {"type": "string", "description": "64 hex digits, or empty."},
        "isFitForPurpose": {"type": "boolean"},
        "statusMessage": TEXT,
        "statusLevel": {"enum": ["valid", "error"]},
        "valid": {"type": "boolean"},
        "errorMessage": TEXT,
    },
}


def key_info(report: KeyReport) -> dict[str, Json]:
    """Returns the object `keyInfo`."""
    told: dict[str, Json] = {
        "algorithm": report.algorithm,
        "keySize": report.bits,
        "isPrivateKey": report.is_valid,
        "fingerprint": report.fingerprint,
        "isFitForPurpose": report.is_fit,
        "statusMessage": report.status,
        "statusLevel": report.level,
        "valid": report.is_valid,
    }
    return told if report.is_valid else told | {"errorMessage": report.problem}
