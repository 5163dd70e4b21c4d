"""What else than a unit spoke against a run of a board."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the cause of a failure that was seen."""

    dependencies = [("service", "0009_finished_uploads")]
    operations = [
        ops.AddField(
            model_name="SeenUnitFailure",
            name="cause",
            field=fields.CharField(max_length=32, default="UNIT_FAILED", db_default="UNIT_FAILED"),
        ),
    ]
