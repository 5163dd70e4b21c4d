"""The settings one by one, as the fields' rules see the values that are in force."""

from collections.abc import Iterator, Mapping

from domain.configuration.variables import VARIABLES, Variable
from domain.preflight.fields import Fields
from domain.preflight.findings import Finding, Outcome, Topic

TOPICS = {
    "GOLD_MASTER_OS_FILE": Topic.IMAGE,
    "CUSTOMER_KEY_FILE_PEM": Topic.KEY,
    "CUSTOMER_KEY_PKCS11_NAME": Topic.KEY,
    "RPI_SB_WORKDIR": Topic.FOLDERS,
    "RPI_DEVICE_RETRIEVE_KEYPAIR": Topic.FOLDERS,
    "RPI_SB_PROVISIONER_MANUFACTURING_DB": Topic.FOLDERS,
}
ELSEWHERE = frozenset({"RPI_DEVICE_FIRMWARE_FILE", "CUSTOMER_KEY_FILE_PEM"})
"""What another topic looks at more closely."""


def find_bad_settings(fields: Fields, values: Mapping[str, str]) -> Iterator[Finding]:
    """Yields what is wrong with single values in force; blocks. Raises `ConfigUnreadable`."""
    for variable in VARIABLES:
        if variable.name not in ELSEWHERE and not variable.file_only:
            yield from _finding(fields, variable, values.get(variable.name, ""))


def _finding(fields: Fields, variable: Variable, value: str) -> Iterator[Finding]:
    name, topic = variable.name, TOPICS.get(variable.name, Topic.SETTINGS)
    if variable.needed and not value:
        because = f"{name} is not set."
        yield Finding(topic, Outcome.FAILED, because, f"Set it: {variable.description}", (name,))
        return
    answer = fields.check_now(name, value)
    if answer.error:
        yield Finding(topic, Outcome.FAILED, answer.error, f"Correct {name}.", (name,))
    elif variable.name == "RPI_DEVICE_RETRIEVE_KEYPAIR" and answer.message:
        # The scripts keep key pairs only in a folder that is there (contract configuration 4).
        because = f"{answer.message} Until then boards' key pairs are not kept there."
        yield Finding(topic, Outcome.WARNING, because, "Make the folder.", (name,))
