"""Every logical path stays below the root prefix."""

from pathlib import Path

import pytest

from domain.host_paths import HostPaths, PathRefused


def test_a_plain_path_lies_below_the_root(tmp_path: Path) -> None:
    assert HostPaths(tmp_path).real("/etc/x/../y") == tmp_path / "etc/y"


def test_dots_never_leave_the_root(tmp_path: Path) -> None:
    assert HostPaths(tmp_path).real("/../../../etc/passwd") == tmp_path / "etc/passwd"


def test_an_absolute_link_is_taken_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "lib").symlink_to("/usr/lib")
    assert HostPaths(tmp_path).real("/lib/firmware") == tmp_path / "usr/lib/firmware"


def test_a_relative_link_that_climbs_is_clamped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/out").symlink_to("../../../../outside")
    assert HostPaths(tmp_path).real("/a/out") == tmp_path / "outside"


def test_the_last_link_may_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("/elsewhere")
    assert HostPaths(tmp_path).entry("/file") == tmp_path / "file"


@pytest.mark.parametrize("path", ["relative", "", "/a\0b"])
def test_what_is_no_path_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(PathRefused):
        HostPaths(tmp_path).real(path)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(PathRefused):
        HostPaths(tmp_path).real("/a")


def test_a_real_path_has_its_logical_form_again(tmp_path: Path) -> None:
    paths = HostPaths(tmp_path)
    assert paths.logical(paths.real("/srv/x")) == "/srv/x"
    assert paths.logical(tmp_path) == "/"
