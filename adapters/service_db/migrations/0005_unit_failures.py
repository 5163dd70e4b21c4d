"""Which units failed in which run of a board."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of failures."""

    dependencies = [("service", "0004_qr_scans")]
    operations = [
        ops.CreateModel(
            name="SeenUnitFailure",
            fields=[
                (
                    "place",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=300),
                ),
                ("began_at", fields.BigIntField(null=True)),
                ("unit", fields.CharField(max_length=255)),
                ("result", fields.CharField(max_length=64)),
                ("exit_status", fields.IntField(null=True)),
                ("failed_at", fields.BigIntField(null=True)),
            ],
            options={
                "table": "seen_unit_failure",
                "app": "service",
                "pk_attr": "place",
                "table_description": "Which units failed in which run of a board",
            },
            bases=["Model"],
        ),
    ]
