"""The conditions of an edit: revision, masks, choices, confirmation."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Caller, Role, acting
from domain.configuration.configuration import Configuration, ConfigurationChanged, Done
from domain.configuration.confirming import ConfirmationNeeded
from domain.configuration.edits import Edit
from domain.configuration.masking import MASK
from domain.configuration.revisions import KEPT, ConfigStale, Revisions
from domain.configuration.settings import SettingChange, Source
from domain.configuration.variables import ConfigValueRefused
from domain.errors import Unavailable
from domain.events import Hub, Published
from domain.host_paths import HostPaths

USER = "RPI_DEVICE_FAMILY=4\nRPI_CONNECT_API_KEY=rpoak_secret\n"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    for logical in (HostPaths().defaults, HostPaths().config):
        (tmp_path / logical[1:]).parent.mkdir(parents=True)
    (tmp_path / HostPaths().defaults[1:]).write_text("RPI_DEVICE_FAMILY=\nPROVISIONING_STYLE=\n")
    file = tmp_path / HostPaths().config[1:]
    file.write_text(USER)
    return file


@pytest.fixture
def configuration(user: Path, tmp_path: Path) -> Configuration:
    return Configuration(HostPaths(tmp_path), Hub())


async def edit(
    configuration: Configuration, changes: Mapping[str, str], **terms: Any
) -> tuple[SettingChange, ...]:
    return await configuration.edit(Edit(changes=changes, **terms))


async def test_an_edit_of_the_present_revision_is_stored(configuration: Configuration) -> None:
    seen = (await configuration.view()).revision
    done = await edit(configuration, {"RPI_DEVICE_FAMILY": "5"}, seen=seen)
    assert done == (SettingChange("RPI_DEVICE_FAMILY", "4", "5"),)
    assert (await configuration.view()).revision != seen


async def test_a_stale_edit_is_refused_with_the_difference(
    configuration: Configuration, user: Path
) -> None:
    seen = (await configuration.view()).revision
    user.write_text("RPI_DEVICE_FAMILY=5\nRPI_CONNECT_API_KEY=rpoak_other\n")
    with pytest.raises(ConfigStale) as caught:
        await edit(configuration, {"PROVISIONING_STYLE": "naked"}, seen=seen)
    assert "RPI_DEVICE_FAMILY from `4` to `5`" in caught.value.message
    assert "RPI_CONNECT_API_KEY was changed" in caught.value.message
    assert "rpoak" not in caught.value.message
    assert "naked" not in user.read_text()


async def test_a_revision_that_nobody_knows_is_stale(configuration: Configuration) -> None:
    with pytest.raises(ConfigStale, match="not known"):
        await edit(configuration, {}, seen="0" * 24)


async def test_going_back_to_old_values_is_the_old_revision(configuration: Configuration) -> None:
    seen = (await configuration.view()).revision
    await edit(configuration, {"RPI_DEVICE_FAMILY": "5"})
    await edit(configuration, {"RPI_DEVICE_FAMILY": "4"})
    assert (await configuration.view()).revision == seen


def test_a_revision_says_nothing_of_the_values_to_another_process() -> None:
    assert Revisions().of({"A": "1"}) != Revisions().of({"A": "1"})


def test_values_that_share_their_letters_have_other_revisions() -> None:
    revisions = Revisions()
    assert revisions.of({"A": "BC"}) != revisions.of({"AB": "C"})


def test_old_revisions_are_forgotten() -> None:
    revisions = Revisions()
    first = revisions.of({"A": ""})
    for number in range(KEPT):
        revisions.of({"A": str(number)})
    with pytest.raises(ConfigStale, match="not known"):
        revisions.check(first, {"A": "now"})


async def test_a_mask_leaves_the_secret_and_the_file(
    configuration: Configuration, user: Path
) -> None:
    done = await edit(configuration, {"RPI_CONNECT_API_KEY": MASK, "RPI_DEVICE_FAMILY": "4"})
    assert [change.name for change in done] == ["RPI_DEVICE_FAMILY"]
    assert user.read_text() == USER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RPI_DEVICE_LOCK_JTAG", "0"),
        ("RPI_DEVICE_EEPROM_WP_SET", "true"),
        ("PROVISIONING_STYLE", "bogus"),
        ("RPI_DEVICE_FAMILY", "3"),
        ("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE", "2"),
        ("RPI_CONNECT_API_KEY", "a\nb"),
    ],
)
async def test_a_value_of_no_meaning_changes_nothing(
    configuration: Configuration, user: Path, name: str, value: str
) -> None:
    with pytest.raises(ConfigValueRefused) as caught:
        await edit(configuration, {"RPI_DEVICE_STORAGE_TYPE": "sd", name: value})
    assert caught.value.field == name
    assert user.read_text() == USER


@pytest.mark.parametrize("value", ["0", "off", "FALSE", "No", ""])
async def test_the_words_for_off_are_taken(configuration: Configuration, value: str) -> None:
    await edit(configuration, {"RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE": value})
    assert await configuration.value("RPI_DEVICE_BOOT_ORDER_MATCH_STORAGE") == value


BURNING = {
    "RPI_DEVICE_LOCK_JTAG": "1",
    "RPI_DEVICE_EEPROM_WP_SET": "1",
    "CUSTOMER_KEY_FILE_PEM": "/k.pem",
    "CUSTOMER_KEY_PKCS11_NAME": "pkcs11:object=k;type=private",
    "PROVISIONING_STYLE": "secure-boot",
}


@pytest.mark.parametrize(("name", "value"), BURNING.items())
async def test_what_burns_is_confirmed_by_name(
    configuration: Configuration, user: Path, name: str, value: str
) -> None:
    for confirmed in (frozenset[str](), frozenset({*BURNING} - {name})):
        with pytest.raises(ConfirmationNeeded) as caught:
            await edit(configuration, {name: value}, confirmed=confirmed)
        assert caught.value.field == name
        assert user.read_text() == USER
    await edit(configuration, {name: value}, confirmed=frozenset({name}))
    assert await configuration.value(name) == value
    # What is in force already needs no word.
    await edit(configuration, {name: value}, confirmed=frozenset())
    await edit(configuration, {name: ""}, confirmed=frozenset())


async def test_what_does_not_burn_needs_no_word(configuration: Configuration) -> None:
    changes = {"PROVISIONING_STYLE": "naked", "RPI_DEVICE_FAMILY": "5"}
    assert len(await edit(configuration, changes, confirmed=frozenset())) == 2


async def test_a_failing_preparation_keeps_the_old_values(
    configuration: Configuration, user: Path
) -> None:
    told: list[tuple[Mapping[str, str], AbstractSet[str]]] = []

    def prepare(values: Mapping[str, str], differing: AbstractSet[str]) -> None:
        told.append((values, differing))
        raise Unavailable("no")

    changes = {"RPI_DEVICE_FAMILY": "5", "PROVISIONING_STYLE": ""}
    with pytest.raises(Unavailable):
        await edit(configuration, changes, prepare=prepare)
    ((values, differing),) = told
    assert (values["RPI_DEVICE_FAMILY"], values["PROVISIONING_STYLE"]) == ("5", "")
    assert differing == {"RPI_DEVICE_FAMILY"}
    assert user.read_text() == USER


async def test_the_view_tells_where_values_come_from(configuration: Configuration) -> None:
    views = {one.variable.name: one for one in (await configuration.view()).settings}
    family, style = views["RPI_DEVICE_FAMILY"], views["PROVISIONING_STYLE"]
    assert (family.value, family.packaged, family.source) == ("4", "", Source.USER)
    assert (style.value, style.packaged, style.source) == ("", "", Source.PACKAGED)
    token, workdir = views["RPI_CONNECT_API_KEY"], views["RPI_SB_WORKDIR"]
    assert (token.value, token.is_set, token.packaged) == (MASK, True, None)
    assert (workdir.value, workdir.is_set, workdir.source) == ("", False, Source.UNSET)


async def test_a_follower_is_told_before_the_caller(configuration: Configuration) -> None:
    told: list[Done] = []

    async def follower(done: Done) -> None:
        told.append(done)

    configuration.follow(follower)
    done = await edit(configuration, {"RPI_DEVICE_FAMILY": "5"})
    assert told == [Done(done)]


async def test_what_others_write_is_told_to_subscribers_and_followers(
    configuration: Configuration, user: Path
) -> None:
    told: list[Done] = []

    async def follower(done: Done) -> None:
        told.append(done)

    configuration.follow(follower)
    await configuration.look()
    user.write_text("RPI_DEVICE_FAMILY=5\n")
    with configuration._hub.subscribe(ConfigurationChanged) as subscription:
        await configuration.look()
        await configuration.look()
        heard = await subscription.next()
    assert isinstance(heard, Published)
    assert heard.event == ConfigurationChanged(("RPI_CONNECT_API_KEY", "RPI_DEVICE_FAMILY"))
    changes = (
        SettingChange("RPI_CONNECT_API_KEY", "rpoak_secret", ""),
        SettingChange("RPI_DEVICE_FAMILY", "4", "5"),
    )
    assert told == [Done(changes)]


@pytest.mark.parametrize(
    "uri", ["pkcs11:object=k?pin-value=1234", "pkcs11:object=k;PIN-VALUE=1;a=b"]
)
async def test_a_pin_is_not_stored_in_a_uri(
    configuration: Configuration, user: Path, uri: str
) -> None:
    with pytest.raises(ConfigValueRefused) as refused:
        await edit(configuration, {"CUSTOMER_KEY_PKCS11_NAME": uri})
    assert "1234" not in refused.value.message
    assert user.read_text() == USER
    # One that an administrator wrote stays, sent back as it is shown.
    user.write_text(f"CUSTOMER_KEY_PKCS11_NAME='{uri}'\n")
    shown = (await configuration.values())["CUSTOMER_KEY_PKCS11_NAME"].shown
    await edit(configuration, {"CUSTOMER_KEY_PKCS11_NAME": shown, "RPI_DEVICE_FAMILY": "5"})
    assert await configuration.value("CUSTOMER_KEY_PKCS11_NAME") == uri


async def test_a_file_that_its_writer_has_emptied_is_told_of_when_it_is_full(
    configuration: Configuration, user: Path
) -> None:
    told: list[Done] = []

    async def follower(done: Done) -> None:
        told.append(done)

    configuration.follow(follower)
    await configuration.look()
    text = user.read_text()
    with user.open("w") as half:
        look = asyncio.create_task(configuration.look())
        await asyncio.sleep(0.4)
        half.write(text.replace("RPI_DEVICE_FAMILY=4", "RPI_DEVICE_FAMILY=5"))
    await look
    assert told == [Done((SettingChange("RPI_DEVICE_FAMILY", "4", "5"),))]
    user.write_text("")
    await configuration.look()
    assert len(told) == 2


async def test_a_file_that_never_rests_is_told_of_all_the_same(
    configuration: Configuration, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configuration.look()
    monkeypatch.setattr("domain.configuration.configuration.REST_TRIES", 2)
    monkeypatch.setattr("domain.configuration.file.REST_SECONDS", 1000.0)
    user.write_text("RPI_DEVICE_FAMILY=5\n")
    with configuration._hub.subscribe(ConfigurationChanged) as subscription:
        await configuration.look()
        assert isinstance(await subscription.next(), Published)


async def test_an_edit_is_told_apart_from_what_others_wrote_before_it(
    configuration: Configuration, user: Path
) -> None:
    told: list[tuple[str | None, tuple[SettingChange, ...]]] = []

    async def follower(done: Done) -> None:
        by = acting.get()
        told.append((by.name if by else None, done.changes))

    configuration.follow(follower)
    await configuration.look()
    user.write_text("RPI_DEVICE_FAMILY=5\nRPI_CONNECT_API_KEY=rpoak_secret\n")
    acting.set(Caller("anna", Role.ENGINEER, "", "", "", "", "rest", ""))
    await edit(configuration, {"RPI_DEVICE_STORAGE_TYPE": "sd"})
    await configuration.look()
    assert told == [
        (None, (SettingChange("RPI_DEVICE_FAMILY", "4", "5"),)),
        ("anna", (SettingChange("RPI_DEVICE_STORAGE_TYPE", "", "sd"),)),
    ]
