"""Log lines are JSON whatever is in them."""

import logging
import os

import orjson

from server.logs import JsonLines


def test_a_name_that_is_no_unicode_is_logged() -> None:
    name = os.fsdecode(b"caf\xe9.img")
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s is gone", (name,), None)
    record.facts = {"path": name}
    line = orjson.loads(JsonLines().format(record))
    assert (line["message"], line["path"]) == ("caf\ufffd.img is gone", "caf\ufffd.img")
