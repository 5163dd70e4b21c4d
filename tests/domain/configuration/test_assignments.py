"""The reader against contract configuration 3.2 and `sh`; the text after changes."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.configuration.assignments import parse
from domain.configuration.quoting import quote
from tests.domain.configuration.shell import run_through, sourced_text

AGREED = [
    "A=1\n",
    "A=1",
    "A=\n",
    "A=''\n",
    'A=""\n',
    "A=1\nA=2\n",
    "A=1 # note\n",
    "A=1\t#note\n",
    "A=1#2\n",
    "A=#2\n",
    "A= # note\n",
    "A='1' # it's\n",
    "# A=1\nB=2\n",
    "   # A=1\n  B=2\n",
    "\tA=1\n",
    "export A=1\n",
    "export  A=1 B=2\n",
    "export A=1 B\n",
    "A=1\nexport A\n",
    "A=1 B=2\n",
    "A=1; B=2\n",
    "A=1;B=2;\n",
    "A=1;# note\n",
    "A='one\ntwo'\nB=3\n",
    "A='one\nB=2\n'\n",
    'A="one\n# no comment\ntwo"\nB=3\n',
    "A=one\\\ntwo\n",
    'A="one\\\ntwo"\n',
    "A=a'b'\"c\"\\ d\n",
    "A=a\\b\\\\c\\'d\n",
    'A="a\\b\\\\c\\"d\\$e\\`f"\n',
    'A="it\'s"\n',
    "A='say \"x\"'\n",
    "A='it'\\''s'\n",
    "A='it'\"'\"'s'\n",
    "A='$HOME `x` $(y)'\n",
    'A="a$"\nB=$\n',
    "A=$'x'\n",
    "A={a,b}*?[c]!\n",
    "A=a=b=c\n",
    "A='a' \nB=2\n",
    "\n\n \t\nA=1\n",
    "A=\\#x\n",
    "A='\\'\nB=2\n",
    "A='a\tb'\n",
    "A='\udcff\udc80'\n",
    "A='\u2028\u0085'\n",
    "A=x\x0b\x0cy\n",
    "A='a\r\nb'\n",
    "A=x\ry\n",
    "A=1 \\\nB=2\n",
    "\\\nA=1\n",
    "export \\\n  A=1 \\\n  B=2\n",
    "A=x\\",
    "exportA=1\n",
    "export=1\n",
    "_=1\n_A9=2\n",
]


@pytest.mark.parametrize("text", AGREED)
def test_reader_and_sh_agree(tmp_path: Path, text: str) -> None:
    names = [name for name in ("A", "B", "_A9", "exportA", "export") if name in text]
    ours = {name: value for name, value in parse(text).values.items() if name != "_"}
    assert ours == sourced_text(tmp_path, text, names)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # The service before this one wrote URIs bare; `sh` would end them at the `;`.
        ("A=pkcs11:object=k;type=private\n", {"A": "pkcs11:object=k;type=private"}),
        ("A=pkcs11:object=k;type=private # n\n", {"A": "pkcs11:object=k;type=private"}),
        ("A=pkcs11:a?b=c&d=(e)\nB=1\n", {"A": "pkcs11:a?b=c&d=(e)", "B": "1"}),
        # Lines on which `sh` would fail; systemd and the service before this one take the rest.
        ("A=my station\nB=2\n", {"A": "my station", "B": "2"}),
        ("A=my 'own station' # x\n", {"A": "my own station"}),
        ("A= 1 \n", {"A": "1"}),
        ("A=x&y|z\n", {"A": "x&y|z"}),
        ("A=x (y)\n", {"A": "x (y)"}),
        ("A=x;y\n", {"A": "x;y"}),
        # Windows line ends.
        ("A=1\r\nB='2'\r\n\r\n# c\r\nC=3 # c\r\nD=\r", {"A": "1", "B": "2", "C": "3", "D": ""}),
        ("A=x \r\nB=y\\\r\nC=z\r\n", {"A": "x", "B": "y", "C": "z"}),
        # Nothing is expanded.
        ("A=$HOME\nB=~/x\n", {"A": "$HOME", "B": "~/x"}),
        (
            'A="$(date +%s) `id` ${X}"\nB=$(id -u) # c\n',
            {"A": "$(date +%s) `id` ${X}", "B": "$(id -u)"},
        ),
        # Junk.
        ("foo-bar=1\n=2\nword\n9A=1\nA =1\n[x]\n; A=1\n-\nB=2\n", {"B": "2"}),
        ("foo 'A=1\nB=2\n", {"B": "2"}),
        # A quote that never closes costs one line, not the file.
        ("A=it's\nB=2\n", {"A": "it's", "B": "2"}),
        ('A="open\r\nB=2\n', {"A": '"open', "B": "2"}),
        ("export A='x\nB=2", {"A": "'x", "B": "2"}),
        ("", {}),
        ("\0\n=\nA=1\n", {"A": "1"}),
    ],
)
def test_reader_takes_what_sh_would_not(text: str, values: dict[str, str]) -> None:
    assert parse(text).values == values


LITERAL = st.sampled_from(
    [
        "A=",
        "B=",
        "'",
        '"',
        "\\",
        "\n",
        " ",
        "\t",
        ";",
        "#",
        "x",
        "#x",
        "\nexport A=x B\n",
        "'y z'",
        '"w"',
    ]
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(LITERAL, max_size=20).map("".join))
def test_what_sh_accepts_reader_reads_alike(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("literal")
    try:
        judged = sourced_text(folder, text, ["A", "B"])
    except subprocess.CalledProcessError:
        return
    config = parse(text)
    ours = {name: config.values[name] for name in ("A", "B") if name in config.values}
    assert ours == judged


PIECES = st.sampled_from(
    [
        "A=",
        "B=",
        "'",
        '"',
        "\\",
        "\n",
        " ",
        ";",
        "#",
        "$",
        "$(",
        "`",
        "<<",
        "x",
        "export ",
        "\r",
        "pkcs11:",
    ]
)


@given(text=st.lists(PIECES, max_size=40).map("".join))
def test_every_text_can_be_read_and_assignments_lie_in_it_in_order(text: str) -> None:
    config = parse(text)
    edges = [edge for one in config.assignments for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(PIECES, max_size=24).map("".join))
def test_no_value_runs_as_a_command_whatever_it_is_written_into(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("written")
    value = "';>made;$(>made)`>made`\"'"
    old = parse(text)
    written = old.changed({"A": value, "C": value})
    if parse(written).is_exactly({**old.values, "A": value, "C": value}):
        run_through(folder, written)
    assert not (folder / "made").exists()


REFERENCE = "# Line 3\n\nB='2' # two\nexport A=1\njunk\nA=\"x\" ; C=c\n\n# end\n"


def test_a_change_touches_only_its_own_word() -> None:
    assert parse(REFERENCE).changed({"A": "new value"}) == REFERENCE.replace('"x"', "'new value'")


def test_a_new_name_is_appended() -> None:
    assert parse("A=1").changed({"B": "", "C": "it's"}) == "A=1\nB=''\nC='it'\\''s'\n"


def test_an_assignment_before_a_foreign_line_is_overridden_behind_it() -> None:
    text = "if true; then\n  A=1\nfi\n"
    changed = parse(text).changed({"A": "2"})
    assert changed == text + "A=2\n"
    assert parse(changed).changed({"A": "3"}) == text + "A=3\n"


def test_the_last_of_several_assignments_is_changed() -> None:
    assert parse("A=1\nA=2\n").changed({"A": "3"}) == "A=1\nA=3\n"


@pytest.mark.parametrize("text", ["A=x\n", "A='x'\n", 'A="x" # c\n', "export A=x;\n"])
def test_the_same_value_changes_nothing(text: str) -> None:
    assert parse(text).changed({"A": "x"}) == text


@pytest.mark.parametrize(
    ("text", "value", "changed"),
    [
        ("A=pkcs11:a;b\n", "pkcs11:a;b", "A='pkcs11:a;b'\n"),
        ("A=x\r\nB=1\r\n", "x", "A=x\nB=1\r\n"),
        ("A=x \r\n", "x", "A=x\n"),
        ("A=two words # c\n", "two words", "A='two words' # c\n"),
        ("A=~\n", "~", "A='~'\n"),
        ("A= 1\n", "1", "A=1\n"),
    ],
)
def test_a_value_that_sh_reads_otherwise_is_written_anew(
    text: str, value: str, changed: str
) -> None:
    assert parse(text).changed({"A": value}) == changed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("B=1\nA=it's\n", 2),
        ("cat <<EOF\nA=1\nEOF\n", 1),
        ('B=\'1\n2\'\nA="$(x "y")"\n', 3),
        ("B=1\nfoo \\\nA=1\n", 2),
        ("foo 'x\ny'\n", 1),
        ("A=`echo 'x'`\n", 1),
    ],
)
def test_obscure_shell_code_is_found(text: str, line: int) -> None:
    assert parse(text).obscure_line == line


@pytest.mark.parametrize(
    "text", ["umask 077\n", "[ -e /x ] && A=1\n", "foo 'x y' \"z\" # it's\n", "A=$(hostname -s)\n"]
)
def test_plain_shell_code_is_not_obscure(text: str) -> None:
    assert parse(text).obscure_line is None


def test_a_comment_that_systemd_would_continue_gets_an_empty_line() -> None:
    assert parse("# path C:\\\n").changed({"A": "1"}) == "# path C:\\\n\nA=1\n"


def test_secrets_stay_out_of_the_repr() -> None:
    config = parse("RPI_CONNECT_API_KEY=token-1\n")
    assert "token-1" not in repr(config) + repr(config.assignments)


@given(old=st.text(max_size=20), new=st.text(max_size=20))
def test_other_bytes_survive_every_change(old: str, new: str) -> None:
    before, after = "# caf\udce9\nX='\udcff' # \udc80\n", "\r\n\t# end\n"
    old, new = old.replace("\0", ""), new.replace("\0", "")
    text = f"{before}A={quote(old)}{after}"
    changed = parse(text).changed({"A": new})
    assert changed.startswith(before)
    assert changed.endswith("# end\n")
    assert parse(changed).values == {"X": "\udcff", "A": new}
