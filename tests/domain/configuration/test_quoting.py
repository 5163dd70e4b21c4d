"""Quoting against the contract's table and against `sh`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.configuration.quoting import POSIX, WIDE, NotAWord, Word, quote, read_phrase, read_word
from tests.domain.configuration.shell import sourced

NASTY = "'\"\\$`;#&|<>(){}[]*?!~^= \t%a1:\x01\x7f\x81\u0085\u2028\ufeffü"
VALUES = st.one_of(
    st.text(NASTY, max_size=24),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=24),
    st.sampled_from(
        ["$(touch made)", "`touch made`", "'; touch made; '", "\\", "'\\''", "#", "~/x"]
    ),
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", "''"),
        ("xchacha12,aes-adiantum-plain64", "xchacha12,aes-adiantum-plain64"),
        ("pkcs11:object=k;type=private", "'pkcs11:object=k;type=private'"),
        ("it's", r"'it'\''s'"),
        ("a~b", "'a~b'"),
        ("ü", "'ü'"),
        ("two words", "'two words'"),
        ("_@%+=:,./-09azAZ", "_@%+=:,./-09azAZ"),
        ("a\n", "'a\n'"),
    ],
)
def test_values_are_written_as_the_contract_shows(value: str, written: str) -> None:
    assert quote(value) == written


@given(value=VALUES)
def test_a_written_value_reads_back_as_one_whole_word(value: str) -> None:
    written = quote(value)
    assert read_word(written, 0, grammar=POSIX) == Word(value, len(written))
    assert read_word(written, 0, grammar=WIDE) == Word(value, len(written))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=40))
def test_sh_reads_a_written_value_and_runs_nothing(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    path = tmp_path_factory.mktemp("quoted") / "config"
    wanted = {f"V{number}": value for number, value in enumerate(values)}
    path.write_text("".join(f"{name}={quote(value)}\n" for name, value in wanted.items()))
    assert sourced(path, wanted) == wanted


@pytest.mark.parametrize("text", ["'open", '"open', '"$(x "y")"', "$(echo 'x')", "`'`", "${x#'}"])
def test_what_never_closes_is_no_word(text: str) -> None:
    with pytest.raises(NotAWord):
        read_word(text, 0, grammar=POSIX)


def test_a_here_document_is_no_phrase() -> None:
    with pytest.raises(NotAWord):
        read_phrase("cat <<EOF\n", 0)


def test_a_phrase_keeps_the_blanks_inside_and_drops_those_around() -> None:
    assert read_phrase("  a  'b c' \t # d\n", 0) == Word("a  b c", 10)
