"""Structured logs: one JSON object a line on standard error."""

import logging
import sys
import traceback
from datetime import UTC, datetime

import orjson

from domain.unicode_texts import as_unicode

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}


class JsonLines(logging.Formatter):
    """Writes time (UTC), level, logger, message, and what was given as `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        try:
            return orjson.dumps(line, default=str).decode()
        except orjson.JSONEncodeError:
            return orjson.dumps(as_unicode(line), default=str).decode()


def set_up_logs(level: str) -> None:
    """Sends every record of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    for noisy in ("uvicorn", "strawberry", "tortoise", "aiosqlite", "asyncio", "websockets"):
        logging.getLogger(noisy).setLevel(max(LEVELS[level], logging.WARNING))
    # Errors of resolvers are logged once, by the surface that masks them.
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)
