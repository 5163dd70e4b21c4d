"""A program that is killed at each change it makes to the disk, one after the other.

Usage: python -m tests.domain.keys.killing ROOT {upload,activate,deactivate,wrap,migrate,remove}.
For each change it prints one line of JSON: what lies there at that moment, and what the next start
makes of it.
"""

import asyncio
import hashlib
import json
import shutil
import sys
from pathlib import Path

from domain.keys.secrets_at_rest import Target
from domain.keys.wrapping import is_wrapped
from tests.domain.images.killing import in_child, killed_at
from tests.domain.keys.samples import rsa_pem
from tests.domain.keys.station import KEYS, KeyStation

PIN = f"{KEYS}/pkcs11.pin"


async def fill(station: KeyStation) -> None:
    """Registers an active key that is wrapped and another one that is plain; stores a PIN."""
    first = await station.keys.upload("first.pem", rsa_pem(0), note=station.notes)
    second = await station.keys.upload("second.pem", rsa_pem(1), activate=False, note=station.notes)
    station.put(second.key.path, rsa_pem(1), mode=0o400)
    station.put(PIN, b"1234", mode=0o400)
    await station.keys.activate(first.key.id, note=station.notes)


async def change(station: KeyStation, action: str) -> None:
    """Does what is killed."""
    second = (await station.keys.list_all()).keys[1].id
    if action == "upload":
        await station.keys.upload("third.pem", rsa_pem(2), note=station.notes)
    elif action == "activate":
        await station.keys.activate(second, note=station.notes)
    elif action == "deactivate":
        await station.keys.deactivate(note=station.notes)
    elif action == "wrap":
        await station.keys.wrap(second, note=station.notes)
    elif action == "migrate":
        await station.secrets.migrate(Target.EVERYTHING, note=station.notes)
    else:
        await station.keys.remove(second, note=station.notes)


def lying_there(station: KeyStation) -> dict[str, object]:
    """What a script would find just now: jq on the registry, sh on the configuration."""
    stored = station.stored
    opened, plain = {}, []
    for name in station.names:
        content = station.content(f"{KEYS}/{name}")
        if not name.startswith(".") and name.endswith(".pem"):
            key = station.wrapping.unwrap(content) if is_wrapped(content) else content
            opened[name] = hashlib.sha256(key).hexdigest()
        if b"PRIVATE KEY" in content and not is_wrapped(content):
            plain.append(name)
    return {
        "active": stored["activeKeyId"],
        "labels": {key["id"]: key["label"] for key in stored["keys"]},
        "paths": [key["path"] for key in stored["keys"]],
        "selected": station.selected[0],
        "opened": opened,
        "plain": plain,
    }


def main(root: Path, action: str) -> None:
    """Kills once at each change, until there is none left."""
    template = root / "template"
    asyncio.run(fill(KeyStation(template)))
    rsa_pem(2)  # made here once, not in every child
    ended, number = -1, 0
    while ended != 0:
        number += 1
        place = root / str(number)

        async def begin(place: Path = place, number: int = number) -> None:
            shutil.copytree(template, place)
            station = KeyStation(place)
            killed_at(number)
            await change(station, action)

        async def look(place: Path = place) -> None:
            before = lying_there(KeyStation(place))
            await KeyStation(place).keys.list_all()
            told = {"at": before, "after": lying_there(KeyStation(place))}
            sys.stdout.write(json.dumps(told) + "\n")

        ended = in_child(begin)
        if in_child(look) != 0:
            sys.exit(f"{place}: what was left cannot be read")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
