"""The tables of `service.db`. Import this late: it brings the whole of Tortoise."""

from tortoise import fields
from tortoise.models import Model


class Preference(Model):
    """One thing that people chose for this station; `key` is a word of this service."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        """How the table is called; without a description of its own it would take the docstring,
        and every better wording would need a migration."""

        table = "preference"
        table_description = "What people chose for this station"


class SetFlag(Model):
    """Who set a flag of a device; `place` is `flag/name of the file`, `stamp` says which file."""

    place = fields.CharField(max_length=300, primary_key=True)
    set_by = fields.TextField()
    set_at = fields.TextField()
    stamp = fields.TextField()

    class Meta:
        """As above."""

        table = "set_flag"
        table_description = "Who set which flag of a device, and when (UTC)"


class PortName(Model):
    """What people call a USB port; `port` is the USB path that is its id."""

    port = fields.CharField(max_length=300, primary_key=True)
    name = fields.CharField(max_length=64)

    class Meta:
        """As above."""

        table = "port_name"
        table_description = "What people call the station's USB ports"


class QrScan(Model):
    """One verification of a label; `at` is in microseconds since the epoch, `problems` are words
    of `domain.verification.scans.LabelProblem` joined by commas."""

    id = fields.BigIntField(primary_key=True)
    at = fields.BigIntField(db_index=True)
    code = fields.CharField(max_length=4296, db_index=True)
    found = fields.BooleanField()
    problems = fields.CharField(max_length=255)
    record_id = fields.BigIntField(null=True)
    serial = fields.CharField(max_length=255, null=True)
    caller = fields.CharField(max_length=255)
    role = fields.CharField(max_length=64)
    address = fields.CharField(max_length=255)
    surface = fields.CharField(max_length=64)

    class Meta:
        """As above."""

        table = "qr_scan"
        table_description = "Which labels were verified, by whom, and what the answer was"


class SeenUnitFailure(Model):
    """What spoke against one run of a board (`domain.devices.run_failures.RunFailure`);
    `place` is `board/run`, times are in microseconds since the epoch."""

    place = fields.CharField(max_length=300, primary_key=True)
    began_at = fields.BigIntField(null=True)
    unit = fields.CharField(max_length=255)
    result = fields.CharField(max_length=64)
    exit_status = fields.IntField(null=True)
    failed_at = fields.BigIntField(null=True)
    cause = fields.CharField(max_length=32, default="UNIT_FAILED", db_default="UNIT_FAILED")

    class Meta:
        """As above."""

        table = "seen_unit_failure"
        table_description = "Which units failed in which run of a board"


class KeptConfigChange(Model):
    """One change of the configuration; `at` is in microseconds since the epoch, `alterations` a
    JSON list of `[name, old, new, is_secret]`, without the values of secrets."""

    id = fields.BigIntField(primary_key=True)
    at = fields.BigIntField()
    caller = fields.CharField(max_length=255)
    role = fields.CharField(max_length=64)
    address = fields.CharField(max_length=255)
    surface = fields.CharField(max_length=64)
    undoes = fields.BigIntField(null=True)
    alterations = fields.TextField()

    class Meta:
        """As above."""

        table = "config_change"
        table_description = "What changed in the configuration, when, and by whom"


class KeptScript(Model):
    """One version of a script (`domain.customisation.versions.ScriptVersion`); `kept_at` is in
    microseconds since the epoch, `kept_by` is null for what was found on the disk."""

    id = fields.BigIntField(primary_key=True)
    filename = fields.CharField(max_length=255, db_index=True)
    sha256 = fields.CharField(max_length=64)
    size = fields.IntField()
    kept_at = fields.BigIntField()
    kept_by = fields.TextField(null=True)
    origin = fields.CharField(max_length=16)
    content = fields.BinaryField()

    class Meta:
        """As above."""

        table = "kept_script"
        table_description = "What each script held before"


class KeptUpload(Model):
    """A resumable upload, waiting or finished (`domain.uploads.sessions.UploadSession`); times are
    in microseconds since the epoch."""

    id = fields.CharField(max_length=64, primary_key=True)
    filename = fields.CharField(max_length=255)
    size = fields.BigIntField()
    began_at = fields.BigIntField()
    expires_at = fields.BigIntField()
    by = fields.CharField(max_length=255)
    boot = fields.CharField(max_length=64)
    synced = fields.BigIntField()
    image = fields.CharField(max_length=255, default="", db_default="")

    class Meta:
        """As above."""

        table = "kept_upload"
        table_description = "Which resumable uploads wait for their next part"
