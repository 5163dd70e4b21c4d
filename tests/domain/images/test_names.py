"""Names of images: what may become a path, and what is told of what may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.images.names import (
    LONGEST_NAME,
    ImageName,
    ImageNameInvalid,
    ImageNameMissing,
    ImageNotFound,
    is_image_name,
)

BAD = [
    "",
    ".",
    "..",
    "../state.db",
    "/etc/passwd",
    "a/b",
    "a/",
    ".hidden.img",
    "a\0b.img",
    "a\nb.img",
    "a\x7fb",
    "a\x85b",
    "bootimg-output",
    "a.img.sha256",
    "a" * (LONGEST_NAME + 1),
    "é" * (LONGEST_NAME // 2 + 1),
    "\udcff.img",
]


@pytest.mark.parametrize("text", BAD)
def test_no_image_may_have_such_a_name(text: str) -> None:
    with pytest.raises(ImageNameInvalid) as raised:
        ImageName(text)
    assert raised.value.code == "INVALID_FILENAME"
    raised.value.detail.encode()


@pytest.mark.parametrize("text", [text for text in BAD if text])
def test_who_asks_for_such_a_name_is_told_that_it_is_not_found(text: str) -> None:
    with pytest.raises(ImageNotFound) as raised:
        ImageName.asked(text)
    assert raised.value.detail.startswith("Requested image: ")


def test_who_asks_for_no_name_is_told_that_it_is_missing() -> None:
    with pytest.raises(ImageNameMissing):
        ImageName.asked("")


@pytest.mark.parametrize("text", ["a.img", "a b é.img", "noext", "a..b", "a.sha256.img", "-x"])
def test_an_ordinary_name_is_kept_as_it_is(text: str) -> None:
    assert (str(ImageName(text)), ImageName(text).sidecar) == (text, f"{text}.sha256")


@given(st.text())
def test_what_is_a_name_is_one_component_with_room_for_a_sidecar(text: str) -> None:
    if is_image_name(text):
        assert "/" not in text
        assert "\0" not in text
        assert text not in ("", ".", "..")
        assert len(ImageName(text).sidecar.encode()) <= 255
