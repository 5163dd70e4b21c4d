"""Descriptions of artefacts: each rule of the schema, what is understood of them, and that nothing
in them can make the reader fail."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.images.descriptor import (
    MOST_FAULTS,
    DescriptorInvalid,
    PartitionImage,
    parse_descriptor,
    read_descriptor,
    understand,
)
from domain.images.json_reading import MOST_BYTES
from domain.images.json_rules import SchemaFault
from tests.domain.images.descriptions import RIGHT, as_bytes, changed

MAP = ("layout", "provisionmap")
PART = (*MAP, 1, "partitions", 0)
LUKS = (*MAP, 2, "encrypted", "luks2")
AT_PART = '<root>["layout"]["provisionmap"][1]["partitions"][0]'
AT_ENCRYPTED = '<root>["layout"]["provisionmap"][2]["encrypted"]'
AT_LUKS = f'{AT_ENCRYPTED}["luks2"]'
NOT_A_STRING = "must be a string"
FAULTS: list[tuple[tuple[str | int, ...], object, str, str]] = [
    (("IGversion",), ..., "<root>", 'the member "IGversion" is missing'),
    (("IGversion",), 2, '<root>["IGversion"]', NOT_A_STRING),
    (("layout",), ..., "<root>", 'the member "layout" is missing'),
    (("layout",), [], '<root>["layout"]', "must be an object"),
    (("IGmeta",), 1, '<root>["IGmeta"]', "must be an object"),
    (
        ("IGmeta", "IGconf_device_sector_size"),
        512.5,
        '<root>["IGmeta"]["IGconf_device_sector_size"]',
        "must be a whole number",
    ),
    (
        ("IGmeta", "IGconf_device_class"),
        None,
        '<root>["IGmeta"]["IGconf_device_class"]',
        NOT_A_STRING,
    ),
    (
        ("attributes", "image-name"),
        ...,
        '<root>["attributes"]',
        'the member "image-name" is missing',
    ),
    (
        ("layout", "partitionimages"),
        ...,
        '<root>["layout"]',
        'the member "partitionimages" is missing',
    ),
    (
        ("layout", "partitiontable"),
        "gpt",
        '<root>["layout"]["partitiontable"]',
        "must be an object",
    ),
    (MAP, {}, '<root>["layout"]["provisionmap"]', "must be an array"),
    (
        (*MAP, 0, "attributes", "PMAPversion"),
        "1.1\n",
        '<root>["layout"]["provisionmap"][0]["attributes"]["PMAPversion"]',
        r"must look like [0-9]+\.[0-9]+\.[0-9]+",
    ),
    (
        (*MAP, 0, "attributes", "system_type"),
        "round",
        '<root>["layout"]["provisionmap"][0]["attributes"]["system_type"]',
        "must be one of flat, slotted",
    ),
    (
        (*MAP, 0),
        {"attributes": {}, "partitions": []},
        '<root>["layout"]["provisionmap"][0]',
        "must be an object with exactly one member of attributes, partitions, slots, encrypted",
    ),
    ((*PART, "image"), "", f'{AT_PART}["image"]', "must have at least 1 characters"),
    ((*PART, "colour"), "red", AT_PART, 'the member "colour" is not allowed'),
    (
        (*PART, "static", "role"),
        "swap",
        f'{AT_PART}["static"]["role"]',
        "must be one of boot, system",
    ),
    ((*PART, "static", "size"), 1, f'{AT_PART}["static"]', 'the member "size" is not allowed'),
    ((*PART, "expand-to-fit"), "yes", f'{AT_PART}["expand-to-fit"]', "must be true or false"),
    ((*LUKS, "key_size"), 0, f'{AT_LUKS}["key_size"]', "must be at least 1"),
    ((*LUKS, "key_size"), True, f'{AT_LUKS}["key_size"]', "must be a whole number"),
    ((*LUKS, "etype"), "whole", f'{AT_LUKS}["etype"]', "must be one of raw, partitioned"),
    ((*LUKS, "hash"), ..., AT_LUKS, 'the member "hash" is missing'),
    (
        (*MAP, 2, "encrypted", "partitions"),
        ...,
        AT_ENCRYPTED,
        "one of slots, partitions is missing",
    ),
    (
        (*MAP, 1),
        {"slots": {"a b": {}}},
        '<root>["layout"]["provisionmap"][1]["slots"]',
        'the member "a b" is not allowed',
    ),
]


@pytest.mark.parametrize(("path", "value", "where", "what"), FAULTS)
def test_each_rule_names_the_place_and_what_is_wrong(
    path: tuple[str | int, ...], value: object, where: str, what: str
) -> None:
    assert understand(changed(*path, to=value)).faults == (SchemaFault(where, what),)


@pytest.mark.parametrize(
    "description",
    [
        RIGHT,
        changed("anything", to=1),
        changed("IGmeta", to=...),
        changed("attributes", to=...),
        changed("IGmeta", "IGconf_device_sector_size", to=512.0),
        changed("layout", "provisionmap", to=[]),
        changed("layout", "provisionmap", to=...),
        changed("layout", "partitionimages", to={}),
        changed(*MAP, 1, to={"slots": {"A_1": {"partitions": []}, "B": {}}}),
        changed(*PART, "static", "uuid", to="0fc63daf-8483-4772-8e79-3d69d8477de4"),
    ],
)
def test_what_the_schema_allows_is_valid(description: dict[str, Any]) -> None:
    assert understand(description).faults == ()


def test_a_description_is_understood() -> None:
    known = parse_descriptor(as_bytes(RIGHT))
    assert (known.image_name, known.image_version) == ("deb13", "2026-07-13")
    assert (known.device_class, known.family, known.storage_type) == ("cm5", "5", "emmc")
    assert known.partitions == (
        PartitionImage("boot", "boot.sparse"),
        PartitionImage("root", "root.sparse"),
    )
    assert (known.map.system_type, known.map.cipher) == ("flat", "aes-xts-plain64")
    boot, root = known.map.placements
    assert (boot.image, boot.role, boot.uuid, boot.encryption, boot.expands) == (
        "boot",
        "boot",
        "7A1C-03F2",
        None,
        False,
    )
    assert root.encryption is known.map.encryptions[0]
    assert (root.encryption.key_size, root.encryption.mapper_name) == (512, "cryptroot")
    assert (root.role, root.expands) == ("system", True)


@pytest.mark.parametrize(
    ("word", "family"),
    [
        ("pi5", "5"),
        ("cm5", "5"),
        ("pi4", "4"),
        ("cm4", "4"),
        ("zero2w", "2W"),
        ("pi3", "pi3"),
    ],
)
def test_device_classes_are_families(word: str, family: str) -> None:
    assert understand({"IGmeta": {"IGconf_device_class": word}}).family == family


def test_encryption_inside_slots_is_seen() -> None:
    inner = {"luks2": {"cipher": "inner"}, "partitions": [{"image": "root"}]}
    entry = {"slots": {"A": {"encrypted": inner}, "B": {"partitions": [{"image": "boot"}]}}}
    found = understand(changed(*MAP, to=[entry])).map
    assert [(one.slot, one.cipher) for one in found.encryptions] == [("A", "inner")]
    assert [(one.image, one.slot, one.encryption is None) for one in found.placements] == [
        ("root", "A", False),
        ("boot", "B", True),
    ]


def test_the_last_cipher_wins_and_an_empty_one_is_none() -> None:
    entries = [{"encrypted": {"luks2": {"cipher": cipher}}} for cipher in ("a", "b", "")]
    assert understand(changed(*MAP, to=entries)).map.cipher == "b"
    assert len(understand(changed(*MAP, to=entries)).map.encryptions) == 3


def test_slots_of_one_container_are_one_encryption() -> None:
    slots = {"A": {"partitions": [{"image": "a"}]}, "B": {"partitions": [{"image": "b"}]}}
    entry = {"encrypted": {"luks2": {"cipher": "c"}, "slots": slots}}
    found = understand(changed(*MAP, to=[entry])).map
    assert [one.cipher for one in found.encryptions] == ["c"]
    assert [(one.image, one.slot) for one in found.placements] == [("a", "A"), ("b", "B")]


def test_files_are_plain_names_and_told_once() -> None:
    names = {"a": "x.sparse", "b": "../x", "c": "x.sparse", "d": "", "e": 5, "f": "/etc/passwd"}
    images = {name: {"simage": value} for name, value in names.items()}
    known = understand({"layout": {"partitionimages": images | {"g": []}}})
    assert known.simages == ("x.sparse", "../x", "/etc/passwd")
    assert [one.file for one in known.partitions or ()] == [
        "x.sparse",
        None,
        "x.sparse",
        None,
        None,
        None,
        None,
    ]


NOT_JSON = [
    (b"", "Expecting value: line 1 column 1 (char 0)"),
    (b"{} // nothing", "Extra data: line 1 column 4 (char 3)"),
    (b'{"a": NaN}', "NaN is no JSON"),
    (b'{"a": -Infinity}', "-Infinity is no JSON"),
    (b'{"a": "\xff"}', "it is not UTF-8 at byte 7"),
    (b'{"a": "\\ud800"}', "it holds half of a surrogate pair"),
    (b"[" * 100_000, "it is nested deeper than 64 levels"),
    (b"[" * 65 + b"]" * 65, "it is nested deeper than 64 levels"),
    (b" " * (MOST_BYTES + 1), f"it is larger than {MOST_BYTES} bytes"),
]


@pytest.mark.parametrize(("content", "why"), NOT_JSON)
def test_what_is_no_strict_json_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(DescriptorInvalid) as caught:
        parse_descriptor(content)
    assert caught.value.message == f"JSON parse error: {why}"


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(DescriptorInvalid):
        parse_descriptor(b"9" * 5000)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(DescriptorInvalid) as caught:
        read_descriptor(tmp_path / "none.json")
    assert caught.value.message == "Cannot open JSON description file"


def test_faults_are_bounded_and_long_names_are_cut() -> None:
    known = understand(changed(*PART, to={"image": "a"} | {f"{n:0100}": 1 for n in range(5000)}))
    assert len(known.faults) == MOST_FAULTS
    assert len(known.faults[0].description) < 120


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
WORDS = st.sampled_from(
    [
        "IGmeta",
        "layout",
        "partitionimages",
        "provisionmap",
        "encrypted",
        "slots",
        "partitions",
        "luks2",
        "cipher",
        "simage",
        "image",
        "attributes",
        "static",
        "IGconf_device_class",
    ]
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner),
    max_leaves=25,
)


def _with_any_part(value: object) -> list[object]:
    places: list[tuple[str | int, ...]] = [
        ("IGmeta",),
        ("attributes",),
        ("layout",),
        ("layout", "partitionimages"),
        MAP,
        (*MAP, 1),
        PART,
        (*PART, "static"),
        (*MAP, 2, "encrypted"),
        LUKS,
    ]
    return [value, *(changed(*place, to=value) for place in places)]


@settings(max_examples=200, deadline=None)
@given(value=ANY_JSON)
def test_no_json_makes_the_reader_fail(value: object) -> None:
    for description in _with_any_part(value):
        known = parse_descriptor(json.dumps(description, allow_nan=False).encode("utf-8"))
        assert known.is_valid == (not known.faults)
        assert all(isinstance(name, str) for name in known.simages)
