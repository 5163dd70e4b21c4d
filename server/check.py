"""`provisioner-service check`: what of the host is ready, what is missing, the effective
settings."""

import os
import shutil
from contextlib import AsyncExitStack
from typing import TextIO

from domain.readiness import Part, PartState
from server.settings import NAMES, Settings
from server.trusted import trusted_texts
from server.wiring.station import open_station

PROGRAMS = {
    "sqlite3": "the station's scripts write state.db with it (Debian package sqlite3)",
    "openssl": "the station's scripts sign with it (Debian package openssl)",
    "jq": "the station's scripts read the key registry with it (Debian package jq)",
    "rpi-fw-crypto": "device wrapping of secrets needs it (package rpi-fw-crypto)",
}


async def check_host(settings: Settings, output: TextIO) -> int:
    """Writes the report; returns 0 when every essential part works, else 1.

    It opens the adapters as `serve` does and listens nowhere. Raises `SettingWrong`.
    """
    trusted_texts(settings)
    async with AsyncExitStack() as stack:
        station = await open_station(settings, stack)
        parts = await station.readiness.check()
        ready = station.readiness.ready
    output.write("Parts\n")
    output.writelines(f"  {_line(part)}\n" for part in parts)
    output.write("Programs of the station's scripts\n")
    for name, use in PROGRAMS.items():
        found = shutil.which(name)
        output.write(f"  {name}: {found or f'missing; {use}'}\n")
    output.write("Settings\n")
    for name in ("root", *NAMES):
        output.write(f"  {name} = {_shown(settings, name)}  ({settings.source(name)})\n")
    output.write(
        f"User\n  uid {os.geteuid()}{'' if os.geteuid() == 0 else ' (the station expects root)'}\n"
    )
    output.write("Ready.\n" if ready else "Not ready: see the parts above.\n")
    return 0 if ready else 1


def _line(part: Part) -> str:
    if part.state is PartState.READY:
        return f"{part.name}: ready"
    return f"{part.name}: unavailable. {part.reason} {part.remedy}"


def _shown(settings: Settings, name: str) -> str:
    if name == "tokens":
        return (
            ", ".join(f"{token.name} ({token.role.words})" for token in settings.tokens) or "none"
        )
    if name == "proxy_role":
        return settings.proxy_role.words
    value = getattr(settings, name)
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
