"""Which resumable uploads wait for their next part."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of resumable uploads."""

    dependencies = [("service", "0007_config_changes")]
    operations = [
        ops.CreateModel(
            name="KeptUpload",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("filename", fields.CharField(max_length=255)),
                ("size", fields.BigIntField()),
                ("began_at", fields.BigIntField()),
                ("expires_at", fields.BigIntField()),
                ("by", fields.CharField(max_length=255)),
                ("boot", fields.CharField(max_length=64)),
                ("synced", fields.BigIntField()),
            ],
            options={
                "table": "kept_upload",
                "app": "service",
                "pk_attr": "id",
                "table_description": "Which resumable uploads wait for their next part",
            },
            bases=["Model"],
        ),
    ]
