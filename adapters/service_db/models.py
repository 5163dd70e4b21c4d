"""The tables of `service.db`. Import this late: it brings the whole of Tortoise."""

from tortoise import fields
from tortoise.models import Model


class Preference(Model):
    """One thing that people chose for this station; `key` is a word of this service."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        """How the table is called; without a description of its own it would take the docstring,
        and every better wording would need a migration."""

        table = "preference"
        table_description = "What people chose for this station"
