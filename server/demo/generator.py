"""The simulated generator: the unit that makes boot packages when the service starts it."""

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from domain.errors import ProvisionerError
from domain.host_paths import HostPaths
from domain.images.generator import TEMPLATE, image_of
from server.demo.boot_package import NothingToSign, make_package, write_package
from server.demo.host import Host
from server.demo.images import STORE
from server.demo.scripts import Script
from server.demo.services import Service
from server.demo.signing_keys import SigningKey

GENERATOR = Service(
    TEMPLATE,
    "Generate a signed boot package of an image",
    "rpi-sb-image-bootimg-generator.sh",
    oneshot=True,
)
LOG = "/var/log/rpi-sb-provisioner/bootimg-generator/bootimg-generator.log"
WORK_SECONDS = 20.0
"""How long a real station takes to mount, copy and sign."""

log = logging.getLogger(__name__)


class Generator:
    """Makes packages in a thread of its own, `speed` times as fast as a real station."""

    def __init__(self, paths: HostPaths, host: Host, key: SigningKey, *, speed: float) -> None:
        self._paths, self._host, self._key = paths, host, key
        self._seconds = WORK_SECONDS / speed
        self._ending = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="simulated-generator")

    def start(self, unit: str) -> None:
        """Begins what a unit is asked for; returns at once."""
        image = image_of(unit)
        if image is not None:
            self._thread.submit(self._run, image)

    def close(self) -> None:
        """Ends what is under way, without its package."""
        self._ending.set()
        self._thread.shutdown(cancel_futures=True)

    def _run(self, image: str) -> None:
        script = self._host.start(
            GENERATOR, image, node="", serial="", endpoint="", at=datetime.now(UTC)
        )
        # A host that was restarted meanwhile has forgotten the unit.
        with contextlib.suppress(KeyError):
            self._host.end(script, status=self._work(script, image), at=datetime.now(UTC))

    def _work(self, script: Script, image: str) -> int:
        self._say(script, f"Generating the boot package of {image}")
        if self._ending.wait(self._seconds):
            return 143
        try:
            made = make_package(self._paths, f"{STORE}/{image}", key=self._key.path)
            write_package(self._paths, made)
        except NothingToSign as error:
            self._say(script, str(error))
            return 1
        except OSError as error:
            self._say(script, f"{image}: {error.strerror}")
            return 1
        except ProvisionerError as error:
            self._say(script, f"The signing key cannot be used: {error.message}")
            return 1
        self._say(script, f"Made the boot package of {image}")
        return 0

    def _say(self, script: Script, text: str) -> None:
        now = datetime.now(UTC)
        self._host.say(script, text, at=now)
        try:
            file = self._paths.real(LOG)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as written:
                written.write(f"[{now:%Y-%m-%d %H:%M:%S}] {text}\n")
        except OSError as error:
            log.warning("the simulated generator cannot write its log: %s", error)
