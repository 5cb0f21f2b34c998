"""The form by which a guest finds an order again."""

import re
from dataclasses import dataclass

from app.core.languages import _
from app.web.forms import Fields

ORDER_NO = re.compile(r"[0-9]{8}-[0-9A-HJKMNP-TV-Z]{7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lookup:
    """An order's number and the recipient's telephone."""

    order_no: str
    phone: str

    @classmethod
    def read(cls, fields: Fields) -> "Lookup":
        """Read the form; small letters in the number are welcome."""
        order_no = fields.text("order_no", _("주문번호"), most=20).upper()
        if "order_no" not in fields.errors and not ORDER_NO.fullmatch(order_no):
            fields.fail("order_no", _("주문번호를 20261123-7K3MPX2처럼 입력해 주십시오."))
        return cls(order_no, fields.phone("phone", _("휴대전화")))
