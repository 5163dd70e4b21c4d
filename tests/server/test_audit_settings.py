"""The limits of the audit log in `service.toml`: off by default, whole numbers from 0."""

from pathlib import Path

import pytest

from server.settings import SettingWrong, read_settings

NAMES = ("audit_keep_days", "audit_keep_rows", "audit_keep_megabytes")


def _root(tmp_path: Path, text: str) -> dict[str, object]:
    file = tmp_path / "etc/rpi-sb-provisioner/service.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return {"root": str(tmp_path)}


def test_everything_is_kept_by_default() -> None:
    settings = read_settings({"root": "/nonexistent"}, {})
    assert [getattr(settings, name) for name in NAMES] == [0, 0, 0]


def test_each_limit_is_read_from_the_file(tmp_path: Path) -> None:
    text = "\n".join(f"{name} = {number}" for number, name in enumerate(NAMES, 90))
    settings = read_settings(_root(tmp_path, text), {})
    assert [getattr(settings, name) for name in NAMES] == [90, 91, 92]


@pytest.mark.parametrize("value", ["-1", "1.5", '"90"', "true", "2147483648"])
def test_what_is_no_limit_is_refused_by_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingWrong, match="audit_keep_days"):
        read_settings(_root(tmp_path, f"audit_keep_days = {value}"), {})
