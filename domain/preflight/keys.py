"""The signing key that the next board will be signed with: there, fit, to be opened, registered."""

from collections.abc import Iterator, Mapping

from domain.errors import ProvisionerError
from domain.keys.key_registry import KeyRegistry
from domain.keys.key_uses import KeyUses
from domain.keys.registry import PEM_VARIABLE, URI_VARIABLE, Registry, SigningKey
from domain.keys.reports import KeyReport
from domain.keys.selection import Selection
from domain.keys.signing_tokens import SigningTokens
from domain.preflight.combinations import SECURE_BOOT, STYLE
from domain.preflight.findings import Finding, Outcome, Topic


class KeyLook:
    """Looks at the key that the configuration names. No token is logged in to: what a login would
    need is there or not, and whether the token takes it only a test signature shows."""

    def __init__(self, registry: KeyRegistry, uses: KeyUses, tokens: SigningTokens) -> None:
        self._registry = registry
        self._uses = uses
        self._tokens = tokens

    async def findings(self, values: Mapping[str, str]) -> list[Finding]:
        """Returns what speaks against boards being signed; raises `RegistryUnreadable` and
        `ConfigUnreadable`."""
        named = Selection(values.get(PEM_VARIABLE, ""), values.get(URI_VARIABLE, ""))
        is_needed = values.get(STYLE) == SECURE_BOOT
        if named.path and named.uri:
            # The settings' combination says so.
            return []
        if not (named.path or named.uri):
            return list(_none_named()) if is_needed else []
        registry = await self._registry.read()
        key = next((key for key in registry.keys if named.names(key)), None)
        own = self._of_file(named.path, key) if named.path else self._of_token(named.uri, key)
        found = [*(await own), *_registered(registry, key)]
        return found if is_needed else [_less(finding) for finding in found]

    async def _of_file(self, path: str, key: SigningKey | None) -> list[Finding]:
        report = await self._uses.check_file(path)
        return [*_of_report(report, PEM_VARIABLE), *_of_change(report, key, PEM_VARIABLE)]

    async def _of_token(self, uri: str, key: SigningKey | None) -> list[Finding]:
        known = list(_of_report(key.report, URI_VARIABLE)) if key else []
        try:
            seen = await self._tokens.foresee(uri)
        except ProvisionerError as error:
            return [*known, _failed(error.message, error.remedy, URI_VARIABLE)]
        if seen is None:
            # The token hides its public keys: the registry's word stands.
            return known
        return [*_of_report(seen, URI_VARIABLE), *_of_change(seen, key, URI_VARIABLE)]


def _none_named() -> Iterator[Finding]:
    because = "Secure boot needs a signing key, and none is active."
    yield _failed(because, "Upload or register a key and activate it.", PEM_VARIABLE)


def _of_report(report: KeyReport, variable: str) -> Iterator[Finding]:
    if not report.is_valid:
        because = f"The signing key cannot be used: {report.problem}."
        yield _failed(because, "Restore the key, or activate another one.", variable)
    elif not report.is_fit:
        because = f"The signing key is not fit: {report.status}."
        yield _failed(because, "Activate a plain RSA key of 2048 bits.", variable)


def _of_change(report: KeyReport, key: SigningKey | None, variable: str) -> Iterator[Finding]:
    if key and report.is_valid and report.fingerprint != key.report.fingerprint:
        because = (
            f"{key.label} is another key than the registry says, so that records of finished "
            "boards name the wrong one."
        )
        yield _failed(because, f"Activate {key.label} again, so that it is read anew.", variable)


def _registered(registry: Registry, key: SigningKey | None) -> Iterator[Finding]:
    if key is None:
        because = (
            "The configured key is not registered, so that records of finished boards do not name "
            "it."
        )
        yield _failed(because, "Upload or register it, and activate it.", PEM_VARIABLE)
    elif registry.active_id != key.id:
        because = f"The registry has another key active than the configured one, {key.label}."
        yield _failed(because, f"Activate {key.label} again.", PEM_VARIABLE)


def _failed(because: str, remedy: str, variable: str) -> Finding:
    return Finding(Topic.KEY, Outcome.FAILED, _sentence(because), remedy, (variable,))


def _less(finding: Finding) -> Finding:
    """Returns the same for a style that signs nothing."""
    return Finding(
        finding.topic, Outcome.WARNING, finding.because, finding.remedy, finding.variables
    )


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."
