"""The form of a saved address."""

import dataclasses

from app.accounts.addresses.address import Place
from app.web.forms import Fields


def read_place(fields: Fields) -> Place:
    """Read the form, in its order; what is wrong is noted in ``fields.errors``."""
    return Place(
        recipient_name=fields.text("recipient_name", "받는 분", most=40),
        recipient_phone=fields.phone("recipient_phone", "휴대전화"),
        postcode=fields.postcode("postcode", "우편번호"),
        address1=fields.text("address1", "주소", most=120),
        address2=fields.text("address2", "상세 주소", most=80, required=False),
    )


def typed(fields: Fields) -> dict[str, str]:
    """Return the form as it was typed, to be shown again."""
    return {field.name: fields.sent.get(field.name, "") for field in dataclasses.fields(Place)}
