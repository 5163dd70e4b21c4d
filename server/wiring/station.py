"""Builds the station: adapters are opened here on one exit stack and closed in reverse."""

import socket
from contextlib import AsyncExitStack

from adapters.manufacturing.new_database import SqliteNewDatabase
from adapters.service_db.preferences import StoredPreference
from domain.csrf_tokens import CsrfTokens
from domain.customisation.hook_logs import HookLogs
from domain.customisation.hook_runs import HookRuns
from domain.internal_token import InternalToken
from domain.keys.token_registration import TokenRegistration
from domain.manufacturing.new_database import NewDatabases
from domain.readiness import Probe, Readiness
from domain.services.units import Units
from domain.station import Identity, Station
from server.background import Background
from server.settings import Settings
from server.wiring.auditing import look_after
from server.wiring.boards import Boards, build_boards
from server.wiring.ground import Ground, open_ground
from server.wiring.making import Making, build_making, watch_making
from server.wiring.records import build_verification, watch_records
from server.wiring.statuses import follow_boards
from server.wiring.versions import find_versions
from server.wiring.watching import start_watching
from server.wiring.watching_journal import watch_journal
from server.wiring.watching_usb import watch_usb

ESSENTIAL = frozenset({"audit log"})


async def open_station(
    settings: Settings, stack: AsyncExitStack, *, simulated_units: Units | None = None
) -> Station:
    """Opens every adapter on `stack` and returns the station.

    A part that is missing never stops this: its feature answers why, and `Readiness` lists it.
    `simulated_units` stand in for systemd's where the station is simulated.
    """
    ground = await open_ground(settings, stack, simulated_units)
    boards = build_boards(ground)
    making = await build_making(ground, boards.usb)
    internal_token = InternalToken(ground.paths)
    probes = _probes(ground, boards, making) | {"internal token": internal_token.probe}
    versions = await find_versions(ground.paths)
    names = StoredPreference(ground.service_db, "station-name")
    identity = Identity(ground.hub, names, versions, socket.gethostname())
    readiness = Readiness(ground.hub, probes, essential=ESSENTIAL)
    station = _station(
        ground,
        boards,
        making,
        identity=identity,
        readiness=readiness,
        internal_token=internal_token,
    )
    _watch(ground.closing(Background()), station, ground, boards, making)
    return station


def _probes(ground: Ground, boards: Boards, making: Making) -> dict[str, Probe]:
    return {
        "audit history": ground.auditing.log.whole,
        "audit log": ground.auditing.log.probe,
        "configuration": ground.configuration.values,
        "device key": making.keys.device_key.probe,
        "image store": making.store.images.probe,
        "journal": ground.journal.probe,
        "manufacturing database": ground.recording.records.probe,
        "service database": ground.service_db.probe,
        "signing keys": making.keys.registry.probe,
        "state database": boards.devices.probe,
        "systemd": ground.units.probe,
        "tokens": making.tokens.driver.probe,
        "usb": boards.usb.probe,
    }


def _station(
    ground: Ground,
    boards: Boards,
    making: Making,
    *,
    identity: Identity,
    readiness: Readiness,
    internal_token: InternalToken,
) -> Station:
    """Returns the station: a table of where each feature comes from, and nothing else."""
    judging, files, records = boards.judging, boards.files, ground.recording.records
    store, tokens, keys = making.store, making.tokens, making.keys
    scripts = making.customisation
    return Station(
        paths=ground.paths,
        hub=ground.hub,
        audit=ground.auditing.log,
        audit_trail=ground.auditing.trail,
        identity=identity,
        readiness=readiness,
        configuration=ground.configuration,
        config_history=ground.config_history,
        working_folder=making.working_folder,
        fields=making.fields,
        preflights=making.preflights,
        csrf_tokens=CsrfTokens(),
        uploads=making.uploads,
        resumable_uploads=making.resumable,
        devices=boards.devices,
        statuses=judging.statuses,
        attempts=judging.attempts,
        statistics=judging.statistics,
        logs=files.logs,
        keypairs=files.keypairs,
        flags=files.flags,
        records=records,
        new_databases=NewDatabases(SqliteNewDatabase(ground.paths)),
        verification=build_verification(records, ground.service_db, judging.attempts),
        units=ground.units,
        services=boards.services,
        timeline=boards.timeline,
        usb=boards.usb,
        internal_token=internal_token,
        images=store.images,
        hashes=store.hashes,
        firmware=making.firmware,
        signing_tokens=tokens.signing,
        stored_pin=tokens.pin,
        token_registration=TokenRegistration(tokens.signing, keys.signing_keys),
        keys=keys,
        analyses=store.analyses,
        scripts=scripts.scripts,
        dry_runs=scripts.dry_runs,
        hook_runs=HookRuns(ground.journal, HookLogs(ground.paths)),
        boot_packages=store.boot_packages,
        script_history=scripts.history,
        gold_master=store.choice,
    )


def _watch(
    background: Background, station: Station, ground: Ground, boards: Boards, making: Making
) -> None:
    start_watching(background, station)
    follow_boards(background, boards.judging, ground.units, ground.hub)
    watch_usb(background, station, boards.devices.catch_up, ground.recording.records.catch_up)
    look_after(background, ground.auditing)
    watch_journal(background, ground.paths, ground.hub)
    watch_making(background, ground, making)
    watch_records(background, ground.recording)
