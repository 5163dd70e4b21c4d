"""Descriptions of artefacts: a right one, and that one with a part changed."""

import copy
import json
from typing import Any

RIGHT: dict[str, Any] = {
    "IGversion": "2.0.0",
    "IGmeta": {
        "IGconf_device_class": "cm5",
        "IGconf_device_storage_type": "emmc",
        "IGconf_device_sector_size": 512,
        "IGconf_image_version": "2026-07-13",
    },
    "attributes": {"image-name": "deb13", "image-size": "1G"},
    "layout": {
        "partitiontable": {"label": "gpt"},
        "partitionimages": {"boot": {"simage": "boot.sparse"}, "root": {"simage": "root.sparse"}},
        "provisionmap": [
            {"attributes": {"PMAPversion": "1.1.0", "system_type": "flat"}},
            {"partitions": [{"image": "boot", "static": {"role": "boot", "uuid": "7A1C-03F2"}}]},
            {
                "encrypted": {
                    "luks2": {
                        "key_size": 512,
                        "cipher": "aes-xts-plain64",
                        "hash": "sha256",
                        "mname": "cryptroot",
                        "etype": "raw",
                        "label": "root_crypt",
                    },
                    "partitions": [
                        {"image": "root", "static": {"role": "system"}, "expand-to-fit": True}
                    ],
                }
            },
        ],
    },
}


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """Returns the right one with the value at `path` replaced; `...` as a value removes it."""
    description = copy.deepcopy(RIGHT)
    inner: Any = description
    for step in path[:-1]:
        inner = inner[step]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return description


def as_bytes(description: object) -> bytes:
    """Returns a description as its file holds it."""
    return json.dumps(description).encode()
