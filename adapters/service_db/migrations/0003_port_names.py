"""What people call the USB ports."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of port names."""

    dependencies = [("service", "0002_set_flags")]
    operations = [
        ops.CreateModel(
            name="PortName",
            fields=[
                (
                    "port",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=300),
                ),
                ("name", fields.CharField(max_length=64)),
            ],
            options={
                "table": "port_name",
                "app": "service",
                "pk_attr": "port",
                "table_description": "What people call the station's USB ports",
            },
            bases=["Model"],
        ),
    ]
