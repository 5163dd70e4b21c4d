"""Numbers in legacy parameters, read as the old service's C++ reads them."""

import re

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(\d+)", re.ASCII)
_DIGITS, _LIMIT = 10, 2**31


def stoi(text: str) -> int | None:
    """Returns what `std::stoi` reads: blanks and a sign before the digits, anything behind them;
    None where there is no number or it does not fit 32 bits."""
    found = _NUMBER.match(text)
    digits = found[2].lstrip("0") if found else ""
    if found is None or len(digits) > _DIGITS:
        return None
    number = int(f"{found[1]}{digits or 0}")
    return number if -_LIMIT <= number < _LIMIT else None
