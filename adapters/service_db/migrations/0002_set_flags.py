"""Who set which flag of a device."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of set flags."""

    dependencies = [("service", "0001_initial")]
    operations = [
        ops.CreateModel(
            name="SetFlag",
            fields=[
                (
                    "place",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=300),
                ),
                ("set_by", fields.TextField(unique=False)),
                ("set_at", fields.TextField(unique=False)),
                ("stamp", fields.TextField(unique=False)),
            ],
            options={
                "table": "set_flag",
                "app": "service",
                "pk_attr": "place",
                "table_description": "Who set which flag of a device, and when (UTC)",
            },
            bases=["Model"],
        ),
    ]
