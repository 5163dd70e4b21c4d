"""What changed in the configuration."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of changes."""

    dependencies = [("service", "0006_kept_scripts")]
    operations = [
        ops.CreateModel(
            name="KeptConfigChange",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("at", fields.BigIntField()),
                ("caller", fields.CharField(max_length=255)),
                ("role", fields.CharField(max_length=64)),
                ("address", fields.CharField(max_length=255)),
                ("surface", fields.CharField(max_length=64)),
                ("undoes", fields.BigIntField(null=True)),
                ("alterations", fields.TextField(unique=False)),
            ],
            options={
                "table": "config_change",
                "app": "service",
                "pk_attr": "id",
                "table_description": "What changed in the configuration, when, and by whom",
            },
            bases=["Model"],
        ),
    ]
