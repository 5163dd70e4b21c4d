"""PKCS#11 URIs: RFC 7512's own examples, every bad shape, and PINs that are never repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.keys.pkcs11_uri import (
    LONGEST_URI,
    Pkcs11Uri,
    Pkcs11UriInvalid,
    UriPin,
    build_uri,
    parse_key_uri,
    parse_uri,
    split_pin,
)

LABELS = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]) | st.just(" "), min_size=1
).filter(str.isprintable)


def test_the_parts_are_decoded() -> None:
    uri = parse_uri(
        "pkcs11:token=The%20Software%20PKCS%2311;object=my%3Bkey;type=private;id=%00%ff"
    )
    assert uri.text("token") == "The Software PKCS#11"
    assert uri.text("object") == "my;key"
    assert uri.id == b"\x00\xff"
    assert uri.text("serial") == ""


def test_the_builder_encodes_what_must_be() -> None:
    uri = build_uri(token="fleet #1; a", label="k/ü?&=x", key_id=b"\x01A", serial="00ff")
    assert str(uri) == (
        "pkcs11:token=fleet%20%231%3B%20a;serial=00ff;object=k%2F%C3%BC%3F&=x;type=private;id=%01%41"
    )


@given(token=LABELS, label=LABELS, key_id=st.binary(max_size=20))
def test_what_the_builder_writes_the_parser_reads(token: str, label: str, key_id: bytes) -> None:
    built = build_uri(token=token, label=label, key_id=key_id)
    text = str(built)
    assert parse_key_uri(text) == built
    assert text.isascii()
    assert not set(text) & set(" \"'\\`$\n") - set("'$")


def test_order_and_case_of_escapes_do_not_matter() -> None:
    one = parse_uri("pkcs11:type=private;object=k%c3%bc;token=t")
    two = parse_uri("pkcs11:token=t;object=%6b%C3%BC;type=private")
    assert (one, str(one)) == (two, str(two))


@given(st.text(max_size=60), st.sampled_from(["", "pkcs11:", "pkcs11:object=", "pkcs11:?"]))
def test_any_text_is_read_or_refused(text: str, start: str) -> None:
    try:
        uri = parse_uri(start + text)
    except Pkcs11UriInvalid:
        return
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begin"),
        ("nope", "begin"),
        ("PKCS11:object=k", "begin"),
        (" pkcs11:object=k", "begin"),
        ("pkcs11:object", "part 1"),
        ("pkcs11:;object=k", "part 1"),
        ("pkcs11:object=k;", "part 2"),
        ("pkcs11:=k", "part 1"),
        ("pkcs11:obj ect=k", "part 1"),
        ("pkcs11:object=a b", "percent-encoded"),
        ("pkcs11:object=a/b", "percent-encoded"),
        ("pkcs11:object=ü", "percent-encoded"),
        ("pkcs11:object=%4", "percent-encoded"),
        ("pkcs11:object=%zz", "percent-encoded"),
        ("pkcs11:object=k\n", "percent-encoded"),
        ('pkcs11:object="k"', "percent-encoded"),
        ("pkcs11:object=k#x", "percent-encoded"),
        ("pkcs11:object=k;object=l", "twice"),
        ("pkcs11:object=%ff", "UTF-8"),
        ("pkcs11:object=k%00", "control"),
        ("pkcs11:object=k%0a", "control"),
        ("pkcs11:colour=red", "does not exist"),
        ("pkcs11:x-vendor=1;object=k", "does not exist"),
        ("pkcs11:library-version=1;object=k", "not used"),
        ("pkcs11:slot-id=two", "number"),
        ("pkcs11:object=k?module-path=/tmp/x.so", "module-path"),
        ("pkcs11:object=k?module-name=x", "module-name"),
        ("pkcs11:object=k?pin", "part 1"),
        ("pkcs11:object=" + "k" * LONGEST_URI, "longer"),
    ],
)
def test_every_bad_shape_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Pkcs11UriInvalid) as caught:
        parse_uri(text)
    assert reason in caught.value.message
    assert caught.value.field == "uri"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pkcs11:", "object="),
        ("pkcs11:token=t;type=private", "object="),
        ("pkcs11:object=;type=private", "object="),
        ("pkcs11:object=k", "type=private"),
        ("pkcs11:object=k;type=public", "no private key"),
        ("pkcs11:object=k;type=cert", "no private key"),
    ],
)
def test_a_key_needs_its_label_and_to_be_private(text: str, reason: str) -> None:
    with pytest.raises(Pkcs11UriInvalid) as caught:
        parse_key_uri(text)
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:object=k;type=private?pin-value=SECRET1",
        "pkcs11:object=k;type=private?pin-value=SECRET1&x-a=b",
        "pkcs11:object=k;type=private?pin-source=file:/SECRET1",
        "pkcs11:object=k;type=private?pin-value=SECRET1&pin-source=x",
        "pkcs11:object=k;type=private?pin-value=SECRET1&pin-value=SECRET1",
        "pkcs11:object=k;type=private?pin-value=a;SECRET1&b",
        "pkcs11:object=k;type=private?pin-value=SECRET1%ff",
        "pkcs11:object=k;type=private?pin-value=12#SECRET1",
        "pkcs11:object=k;type=private;pin-value=SECRET1",
        "pkcs11:object=k;type=private?pin-value=12&SECRET1=x y",
    ],
)
def test_a_pin_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(Pkcs11UriInvalid) as caught:
        parse_uri(text)
    error = caught.value
    told = [error.message, error.detail, repr(error), str(error.__cause__), str(error.__context__)]
    assert not [words for words in told if "SECRET1" in words]


def test_only_the_signing_of_the_shell_side_reads_a_pin() -> None:
    uri, pin = split_pin("pkcs11:object=k;type=private?pin-value=12%2634&x-other=1")
    assert (uri, pin) == (build_uri(token="", label="k"), UriPin("12&34"))
    assert "34" not in repr(pin)
    assert "34" not in repr(uri) + str(uri)
    assert split_pin("pkcs11:object=k?pin-source=file:/etc/pin")[1].source == "file:/etc/pin"


def test_a_uri_cannot_be_made_of_what_no_token_understands() -> None:
    with pytest.raises(Pkcs11UriInvalid):
        Pkcs11Uri({"colour": b"red"})
    with pytest.raises(Pkcs11UriInvalid):
        Pkcs11Uri({"object": b"\xff"})
