"""Builds the history of the configuration."""

from adapters.service_db.config_changes import StoredConfigChanges
from adapters.service_db.database import ServiceDb
from adapters.service_db.preferences import StoredPreference
from domain.configuration.configuration import Configuration
from domain.configuration.history import ConfigHistory


def build_config_history(configuration: Configuration, service_db: ServiceDb) -> ConfigHistory:
    """Returns the history, which is told of every change from now on."""
    seen = StoredPreference(service_db, "configuration-seen")
    history = ConfigHistory(configuration, StoredConfigChanges(service_db), seen)
    configuration.follow(history.record)
    return history
