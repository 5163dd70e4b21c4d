"""Unicode texts: how names from the disk that are none are shown."""

import re

_LONE = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs: Python puts one for each byte of a name that is no UTF-8 (PEP 383).
UTF-8, and so JSON, cannot carry them (RFC 3629 section 3, RFC 8259 section 8.1)."""


def as_unicode(value: object) -> object:
    """Returns what JSON is made of with U+FFFD in every text for what is no Unicode."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {as_unicode(key): as_unicode(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [as_unicode(member) for member in value]
    return value
