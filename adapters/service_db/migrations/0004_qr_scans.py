"""Which labels were verified."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of scans."""

    dependencies = [("service", "0003_port_names")]
    operations = [
        ops.CreateModel(
            name="QrScan",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("at", fields.BigIntField(db_index=True)),
                ("code", fields.CharField(db_index=True, max_length=4296)),
                ("found", fields.BooleanField()),
                ("problems", fields.CharField(max_length=255)),
                ("record_id", fields.BigIntField(null=True)),
                ("serial", fields.CharField(null=True, max_length=255)),
                ("caller", fields.CharField(max_length=255)),
                ("role", fields.CharField(max_length=64)),
                ("address", fields.CharField(max_length=255)),
                ("surface", fields.CharField(max_length=64)),
            ],
            options={
                "table": "qr_scan",
                "app": "service",
                "pk_attr": "id",
                "table_description": "Which labels were verified, by whom, and what the answer was",
            },
            bases=["Model"],
        ),
    ]
