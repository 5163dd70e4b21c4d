"""What became of resumable uploads that are images by now."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds the name that an upload has in the store."""

    dependencies = [("service", "0008_kept_uploads")]
    operations = [
        ops.AddField(
            model_name="KeptUpload",
            name="image",
            field=fields.CharField(max_length=255, default="", db_default=""),
        ),
    ]
