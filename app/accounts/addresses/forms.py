"""The form of a saved address."""

import dataclasses

from app.accounts.addresses.address import Place
from app.core.languages import _
from app.web.forms import Fields


def read_place(fields: Fields) -> Place:
    """Read the form, in its order; what is wrong is noted in ``fields.errors``."""
    return Place(
        recipient_name=fields.text("recipient_name", _("받는 분"), most=40),
        recipient_phone=fields.phone("recipient_phone", _("휴대전화")),
        postcode=fields.postcode("postcode", _("우편번호")),
        address1=fields.text("address1", _("주소"), most=120),
        address2=fields.text("address2", _("상세 주소"), most=80, required=False),
    )


def typed(fields: Fields) -> dict[str, str]:
    """Return the form as it was typed, to be shown again."""
    return {field.name: fields.sent.get(field.name, "") for field in dataclasses.fields(Place)}
