"""What a script that is only tried must not see."""

from pathlib import Path

from domain.configuration.configuration import Configuration
from domain.customisation.hidden_places import HiddenPlaces
from domain.events import Hub
from domain.host_paths import HostPaths


async def hidden(root: Path) -> tuple[str, ...]:
    paths = HostPaths(root)
    return await HiddenPlaces(paths, Configuration(paths, Hub())).list_all()


async def test_the_root_and_what_is_configured_is_hidden_where_it_really_lies(
    tmp_path: Path,
) -> None:
    root = tmp_path / "real"
    (root / "etc/rpi-sb-provisioner").mkdir(parents=True)
    (root / "data/keys").mkdir(parents=True)
    (root / "opt").symlink_to("/data")
    (root / "etc/rpi-sb-provisioner/config").write_text(
        "CUSTOMER_KEY_FILE_PEM=/opt/keys/key.pem\nRPI_SB_WORKDIR=/prepared\n"
        "RPI_DEVICE_RETRIEVE_KEYPAIR=/pairs\nGOLD_MASTER_OS_FILE=not/absolute\n"
    )
    link = tmp_path / "link"
    link.symlink_to(root)
    found = await hidden(link)
    assert found[0] == str(root)
    for place in ("data/keys/key.pem", "prepared", "pairs", "etc/rpi-sb-provisioner"):
        assert str(root / place) in found
    assert str(root / "srv/rpi-sb-provisioner") in found


async def test_the_machine_itself_is_never_hidden_as_a_whole() -> None:
    found = await hidden(Path("/"))
    assert "/" not in found
    assert "/etc/rpi-sb-provisioner" in found
