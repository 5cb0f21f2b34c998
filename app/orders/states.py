"""The states of an order, their Korean labels, and the only ways from one to another."""

from app.core.languages import marked

PENDING = "PENDING"
WAITING_FOR_DEPOSIT = "WAITING_FOR_DEPOSIT"
PAID = "PAID"
PARTIAL_CANCELED = "PARTIAL_CANCELED"
CANCELED = "CANCELED"
EXPIRED = "EXPIRED"
SUPERSEDED = "SUPERSEDED"

LABELS = {
    PENDING: marked("결제 대기"),
    WAITING_FOR_DEPOSIT: marked("입금 대기"),
    PAID: marked("결제 완료"),
    PARTIAL_CANCELED: marked("부분 취소"),
    CANCELED: marked("주문 취소"),
    EXPIRED: marked("기한 만료"),
    SUPERSEDED: marked("새 주문으로 대체"),
}

# An open order holds its owner's one open slot.
OPEN = frozenset({PENDING, WAITING_FOR_DEPOSIT})

ALLOWED = frozenset(
    {
        (PENDING, WAITING_FOR_DEPOSIT),
        (PENDING, PAID),
        (PENDING, CANCELED),
        (PENDING, EXPIRED),
        (PENDING, SUPERSEDED),
        (WAITING_FOR_DEPOSIT, PAID),
        (WAITING_FOR_DEPOSIT, CANCELED),
        (WAITING_FOR_DEPOSIT, EXPIRED),
        (PAID, WAITING_FOR_DEPOSIT),  # the bank took the deposit back
        (PAID, PARTIAL_CANCELED),
        (PAID, CANCELED),
        (PARTIAL_CANCELED, CANCELED),
        (EXPIRED, PAID),  # money that came late, for goods that could still be had
    }
)


def allows(old: str, new: str) -> bool:
    """Whether an order may go from ``old`` to ``new``."""
    return (old, new) in ALLOWED


def sources(new: str) -> list[str]:
    """Return the states from which an order may go to ``new``: an update to it finds no other."""
    return sorted(old for old, after in ALLOWED if after == new)
