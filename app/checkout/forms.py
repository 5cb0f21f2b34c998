"""The checkout form: who gets the goods, and where."""

import dataclasses

from app.core.languages import _
from app.orders.order import Recipient
from app.web.forms import Fields

MOST_WON = 999_999_999


def read_recipient(fields: Fields) -> Recipient:
    """Read the form, in its order; what is wrong is noted in ``fields.errors``."""
    return Recipient(
        **fields.address(),
        delivery_note=fields.text("delivery_note", _("배송 메모"), most=80, required=False),
    )


def typed(fields: Fields) -> dict[str, str]:
    """Return the form as it was typed, to be shown again."""
    return {field.name: fields.sent.get(field.name, "") for field in dataclasses.fields(Recipient)}


def wants_address_kept(fields: Fields) -> bool:
    """Whether the shopper ticked that this address be kept."""
    return fields.ticked("keep_address")


def read_seen_total(fields: Fields) -> int:
    """Read which total the shopper saw on the review page; it is only compared."""
    return fields.whole("seen_total", _("결제 금액"), least=0, most=MOST_WON)
