"""What the cart's forms send."""

import re
from dataclasses import dataclass

from app.cart.view import MAX_QUANTITY
from app.core.errors import InvalidError
from app.core.languages import _
from app.web.forms import Fields

FORM_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddLine:
    """Put goods into the cart; ``key`` makes the same press count once."""

    product_id: int
    quantity: int
    key: str

    @classmethod
    def read(cls, fields: Fields) -> "AddLine":
        """Read the form. Raises InvalidError."""
        product_id = fields.whole("product_id", _("상품"), least=1, most=10**9 - 1)
        quantity = fields.whole("quantity", _("수량"), least=1, most=MAX_QUANTITY)
        key = fields.text("key", _("양식 번호"), most=32, required=False)
        if key and not FORM_KEY.fullmatch(key):
            fields.fail("key", _("페이지를 새로 연 뒤 다시 담아 주십시오."))
        _refuse_errors(fields)
        return cls(product_id, quantity, key)


@dataclass(frozen=True, slots=True)
class SetQuantity:
    """Set a line to exactly this quantity, which is the one the shopper saw and changed."""

    quantity: int

    @classmethod
    def read(cls, fields: Fields) -> "SetQuantity":
        """Read the form. Raises InvalidError."""
        quantity = fields.whole("quantity", _("수량"), least=0, most=MAX_QUANTITY)
        _refuse_errors(fields)
        return cls(quantity)


@dataclass(frozen=True, slots=True)
class Undo:
    """Bring back what was removed last; ``product_id`` is what the page said it is, 0 when it did not."""

    product_id: int

    @classmethod
    def read(cls, fields: Fields) -> "Undo":
        """Read the form. Raises InvalidError."""
        if "product_id" not in fields.sent:
            return cls(0)
        product_id = fields.whole("product_id", _("상품"), least=1, most=10**9 - 1)
        _refuse_errors(fields)
        return cls(product_id)


def _refuse_errors(fields: Fields) -> None:
    if fields.errors:
        sentence = next(iter(fields.errors.values()))
        raise InvalidError(sentence, say=_("%(sentence)s 장바구니는 바뀌지 않았습니다.", sentence=sentence))
