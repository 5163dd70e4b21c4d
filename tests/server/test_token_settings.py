"""Which PKCS#11 module is asked: p11-kit's by default, the file's setting, the variable of old."""

from pathlib import Path

import pytest

from server.settings import MODULE_VARIABLE, SettingWrong, read_settings


def _root(tmp_path: Path, text: str) -> dict[str, object]:
    file = tmp_path / "etc/rpi-sb-provisioner/service.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return {"root": str(tmp_path)}


def test_p11_kit_is_asked_by_default() -> None:
    assert read_settings({"root": "/nonexistent"}, {}).pkcs11_module == ""


def test_the_variable_of_old_names_a_module() -> None:
    settings = read_settings({"root": "/nonexistent"}, {MODULE_VARIABLE: "/usr/lib/vendor.so"})
    assert settings.pkcs11_module == "/usr/lib/vendor.so"
    assert settings.source("pkcs11_module") == MODULE_VARIABLE


def test_the_file_comes_before_the_variable(tmp_path: Path) -> None:
    flags = _root(tmp_path, 'pkcs11_module = "/opt/own.so"\n')
    settings = read_settings(flags, {MODULE_VARIABLE: "/usr/lib/vendor.so"})
    assert settings.pkcs11_module == "/opt/own.so"


@pytest.mark.parametrize("value", ["5", "true", '""', "[]"])
def test_anything_but_a_path_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingWrong, match="pkcs11_module"):
        read_settings(_root(tmp_path, f"pkcs11_module = {value}\n"), {})
