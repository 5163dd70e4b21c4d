"""The first table: what people chose for this station."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """From nothing to preferences."""

    initial = True
    operations = [
        ops.CreateModel(
            name="Preference",
            fields=[
                (
                    "key",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("value", fields.TextField(unique=False)),
            ],
            options={
                "table": "preference",
                "app": "service",
                "pk_attr": "key",
                "table_description": "What people chose for this station",
            },
            bases=["Model"],
        ),
    ]
