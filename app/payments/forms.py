"""What Toss's redirects bring along, read strictly: one value per name, or nothing at all."""

import re

from werkzeug.datastructures import MultiDict

from app.payments.arrival import Arrival

KEY = re.compile(r"[A-Za-z0-9_=.-]{1,200}", re.ASCII)
NUMBER = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
AMOUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)


def read_arrival(sent: "MultiDict[str, str]") -> Arrival | None:
    """Read the success URL's query; None for anything Toss does not send."""
    payment_key, payment_no = _one(sent, "paymentKey", KEY), _one(sent, "orderId", NUMBER)
    amount = _one(sent, "amount", AMOUNT)
    return Arrival(payment_key, payment_no, int(amount)) if payment_key and payment_no and amount else None


def read_failure_code(sent: "MultiDict[str, str]") -> str:
    """Read the failure URL's code; '' for anything Toss does not send."""
    return _one(sent, "code", CODE)


def _one(sent: "MultiDict[str, str]", name: str, shape: re.Pattern[str]) -> str:
    values = sent.getlist(name)
    return values[0] if len(values) == 1 and shape.fullmatch(values[0]) else ""
