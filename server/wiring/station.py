"""Builds the station: adapters are opened here on one exit stack and closed in reverse."""

import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol, TypeVar

from adapters.device_states import DeviceStates
from adapters.journal import SystemdJournal
from adapters.manufacturing.new_database import SqliteNewDatabase
from adapters.service_db.database import ServiceDb
from adapters.service_db.preferences import StoredPreference
from adapters.systemd import SystemdUnits
from domain.configuration.configuration import Configuration
from domain.configuration.workdir import WorkingFolder
from domain.csrf_tokens import CsrfTokens
from domain.customisation.hook_logs import HookLogs
from domain.customisation.hook_runs import HookRuns
from domain.devices.board_units import is_any_at_work
from domain.devices.devices import Devices
from domain.events import Hub
from domain.firmware.firmware import Firmware
from domain.host_paths import HostPaths
from domain.internal_token import InternalToken
from domain.keys.token_registration import TokenRegistration
from domain.manufacturing.new_database import NewDatabases
from domain.preflight.fields import Fields
from domain.preflight.image import ImageLook
from domain.preflight.keys import KeyLook
from domain.preflight.preflights import Preflights
from domain.readiness import Readiness
from domain.services.services import Services
from domain.services.units import Units
from domain.station import Identity, Station
from server.background import Background
from server.settings import Settings
from server.wiring.auditing import look_after, open_auditing
from server.wiring.configuration import build_config_history
from server.wiring.customisation import build_customisation, watch_customisation
from server.wiring.device_files import build_device_files
from server.wiring.images import build_images, own_accesses, watch_images
from server.wiring.keys import build_keys
from server.wiring.records import build_recording, build_verification, watch_records
from server.wiring.statuses import build_judging, follow_boards
from server.wiring.timeline import build_timeline
from server.wiring.tokens import build_tokens
from server.wiring.uploads import build_resumable, build_uploads, watch_uploads
from server.wiring.usb import build_usb
from server.wiring.versions import find_versions
from server.wiring.watching import start_watching
from server.wiring.watching_journal import watch_journal
from server.wiring.watching_usb import watch_usb

ESSENTIAL = frozenset({"audit log"})


A = TypeVar("A", bound="_Closing")


async def open_station(
    settings: Settings, stack: AsyncExitStack, *, simulated_units: Units | None = None
) -> Station:
    """Opens every adapter on `stack` and returns the station.

    A part that is missing never stops this: its feature answers why, and `Readiness` lists it.
    `simulated_units` stand in for systemd's where the station is simulated.
    """
    paths, hub = HostPaths(settings.root), Hub()
    auditing = await open_auditing(paths, hub, settings, stack)
    service_db = _closed_by(stack, ServiceDb(paths))
    configuration = Configuration(paths, hub)
    config_history = build_config_history(configuration, service_db)
    states = _closed_by(stack, DeviceStates(paths))
    recording = build_recording(paths, hub, configuration, stack)
    records = recording.records
    units = simulated_units or _closed_by(stack, SystemdUnits(settings.bus_address))
    journal = _closed_by(stack, SystemdJournal(paths))
    probes = {
        "audit history": auditing.log.whole,
        "audit log": auditing.log.probe,
        "configuration": configuration.values,
        "journal": journal.probe,
        "manufacturing database": records.probe,
        "service database": service_db.probe,
        "state database": states.probe,
        "systemd": units.probe,
    }
    names, versions = StoredPreference(service_db, "station-name"), await find_versions(paths)
    devices = Devices(hub, states)
    files = build_device_files(
        paths, hub, configuration=configuration, devices=devices, service_db=service_db
    )
    usb = build_usb(paths, hub, devices=devices, records=records, service_db=service_db)
    judging = build_judging(
        paths,
        hub,
        devices=devices,
        units=units,
        presence=usb,
        records=records,
        logs=files.logs,
        service_db=service_db,
    )
    _closed_by(stack, judging.statuses)
    services = Services(hub, journal, units)
    timeline = build_timeline(
        paths,
        devices=devices,
        statuses=judging.statuses,
        attempts=judging.attempts,
        logs=files.logs,
        records=records,
        services=services,
        trail=auditing.trail,
    )
    internal_token = InternalToken(paths)
    store = build_images(paths, hub, configuration=configuration, audit=auditing.log, units=units)
    customisation = build_customisation(paths, hub, service_db)
    uploads = _closed_by(stack, await build_uploads(store, hub))
    resumable = build_resumable(store, uploads, service_db, own_accesses(auditing.log))
    working_folder = WorkingFolder(
        paths,
        configuration,
        StoredPreference(service_db, "working-folder-inputs"),
        at_work=partial(is_any_at_work, units),
        note=own_accesses(auditing.log),
    )
    firmware = Firmware(paths, configuration)
    fields = Fields(paths, configuration, firmware)
    probes |= {"internal token": internal_token.probe, "usb": usb.probe}
    probes |= {"image store": store.images.probe}
    tokens = build_tokens(paths, configuration, settings, stack)
    probes |= {"tokens": tokens.driver.probe}
    keys = build_keys(paths, hub, configuration=configuration, tokens=tokens.signing)
    preflights = Preflights(
        configuration,
        fields=fields,
        image=ImageLook(store.images, store.choice),
        key=KeyLook(keys.registry, keys.uses, tokens.signing),
        firmware=firmware,
        working_folder=working_folder,
        usb=usb,
        units=units,
    )
    probes |= {"device key": keys.device_key.probe, "signing keys": keys.registry.probe}
    station = Station(
        paths=paths,
        hub=hub,
        audit=auditing.log,
        audit_trail=auditing.trail,
        identity=Identity(hub, names, versions, socket.gethostname()),
        readiness=Readiness(hub, probes, essential=ESSENTIAL),
        configuration=configuration,
        config_history=config_history,
        working_folder=working_folder,
        fields=fields,
        preflights=preflights,
        csrf_tokens=CsrfTokens(),
        uploads=uploads,
        resumable_uploads=resumable,
        devices=devices,
        statuses=judging.statuses,
        attempts=judging.attempts,
        statistics=judging.statistics,
        logs=files.logs,
        keypairs=files.keypairs,
        flags=files.flags,
        records=records,
        new_databases=NewDatabases(SqliteNewDatabase(paths)),
        verification=build_verification(records, service_db, judging.attempts),
        units=units,
        services=services,
        timeline=timeline,
        usb=usb,
        internal_token=internal_token,
        images=store.images,
        hashes=store.hashes,
        firmware=firmware,
        signing_tokens=tokens.signing,
        stored_pin=tokens.pin,
        token_registration=TokenRegistration(tokens.signing, keys.signing_keys),
        keys=keys,
        analyses=store.analyses,
        scripts=customisation.scripts,
        dry_runs=customisation.dry_runs,
        hook_runs=HookRuns(journal, HookLogs(paths)),
        boot_packages=store.boot_packages,
        script_history=customisation.history,
        gold_master=store.choice,
    )
    background = _closed_by(stack, Background())
    configuration.follow(working_folder.settle)
    background.run("the look at the working folder", working_folder.begin)
    background.run("the look at signing keys", keys.registry.begin)
    start_watching(background, station)
    follow_boards(background, judging, units, hub)
    watch_usb(background, station, devices.catch_up, records.catch_up)
    look_after(background, auditing)
    watch_journal(background, paths, hub)
    watch_images(background, store)
    watch_uploads(background, store, resumable, hub)
    watch_customisation(background, customisation)
    watch_records(background, recording)
    return station


class _Closing(Protocol):
    async def aclose(self) -> None: ...


def _closed_by(stack: AsyncExitStack, opened: A) -> A:
    stack.push_async_callback(opened.aclose)
    return opened
