"""What each script held before."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the table of versions."""

    dependencies = [("service", "0005_unit_failures")]
    operations = [
        ops.CreateModel(
            name="KeptScript",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("filename", fields.CharField(db_index=True, max_length=255)),
                ("sha256", fields.CharField(max_length=64)),
                ("size", fields.IntField()),
                ("kept_at", fields.BigIntField()),
                ("kept_by", fields.TextField(null=True)),
                ("origin", fields.CharField(max_length=16)),
                ("content", fields.BinaryField()),
            ],
            options={
                "table": "kept_script",
                "app": "service",
                "pk_attr": "id",
                "table_description": "What each script held before",
            },
            bases=["Model"],
        ),
    ]
