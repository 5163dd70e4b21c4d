"""The schema of an artefact's description, as a table of rules (contract images 6.2)."""

import re

from domain.images.json_rules import (
    Anything,
    Choice,
    Items,
    Later,
    Members,
    Named,
    Rule,
    Text,
    Truth,
    Whole,
)

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_VOLUME = "[0-9a-fA-F]{4}-[0-9a-fA-F]{4}"

_PARTITION = Members(
    {
        "image": Text(shortest=1),
        "comment": Text(),
        "static": Members(
            {
                "id": Text(),
                "uuid": Text(re.compile(f"{_UUID}|{_VOLUME}")),
                "role": Text(choices=("boot", "system")),
            },
            closed=True,
        ),
        "expand-to-fit": Truth(),
    },
    required=("image",),
    closed=True,
)
_PARTITIONS = Items(_PARTITION)
_LUKS2 = Members(
    {
        "key_size": Whole(1),
        "cipher": Text(),
        "hash": Text(),
        "mname": Text(),
        "etype": Text(choices=("raw", "partitioned")),
        "label": Text(),
        "uuid": Text(re.compile(_UUID)),
    },
    required=("key_size", "cipher", "hash", "mname", "etype"),
    closed=True,
)


def _encrypted() -> Rule:
    return _ENCRYPTED


_SLOTS = Named(
    Members({"partitions": _PARTITIONS, "encrypted": Later(_encrypted)}, closed=True),
    pattern=re.compile("[A-Za-z0-9_]+"),
)
_ENCRYPTED = Members(
    {"luks2": _LUKS2, "slots": _SLOTS, "partitions": _PARTITIONS, "expand-to-fit": Truth()},
    required=("luks2",),
    any_of=("slots", "partitions"),
    closed=True,
)
_PROVISION_MAP = Items(
    Choice(
        {
            "attributes": Members(
                {
                    "PMAPversion": Text(re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")),
                    "system_type": Text(choices=("flat", "slotted")),
                },
                required=("PMAPversion", "system_type"),
                closed=True,
            ),
            "partitions": _PARTITIONS,
            "slots": _SLOTS,
            "encrypted": _ENCRYPTED,
        }
    )
)

DESCRIPTOR = Members(
    {
        "IGversion": Text(),
        "IGmeta": Members(
            {
                "IGconf_device_class": Text(),
                "IGconf_device_variant": Text(),
                "IGconf_device_storage_type": Text(),
                "IGconf_device_sector_size": Whole(),
                "IGconf_image_version": Text(),
                "IGconf_image_outputdir": Text(),
            }
        ),
        "attributes": Members(
            {
                "image-name": Text(),
                "image-size": Anything(),
                "image-palign-bytes": Anything(),
            },
            required=("image-name",),
        ),
        "layout": Members(
            {
                "partitionimages": Members(),
                "partitiontable": Members(),
                "provisionmap": _PROVISION_MAP,
            },
            required=("partitionimages",),
        ),
    },
    required=("IGversion", "layout"),
)
"""All of it; members that it does not name are allowed unless a part is closed."""
