"""The form of a saved address."""

import dataclasses

from app.accounts.addresses.address import Place
from app.web.forms import Fields


def read_place(fields: Fields) -> Place:
    """Read the form, in its order; what is wrong is noted in ``fields.errors``."""
    return Place(**fields.address())


def typed(fields: Fields) -> dict[str, str]:
    """Return the form as it was typed, to be shown again."""
    return {field.name: fields.sent.get(field.name, "") for field in dataclasses.fields(Place)}
