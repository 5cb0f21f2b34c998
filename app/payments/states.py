"""The states of an attempt to pay, their Korean labels, and the only ways from one to another."""

from app.core.languages import marked

PENDING = "PENDING"
CONFIRMING = "CONFIRMING"
WAITING_FOR_DEPOSIT = "WAITING_FOR_DEPOSIT"
PAID = "PAID"
FAILED = "FAILED"
CANCELED = "CANCELED"
PARTIAL_CANCELED = "PARTIAL_CANCELED"
EXPIRED = "EXPIRED"
REVIEW = "REVIEW"

LABELS = {
    PENDING: marked("보류"),
    CONFIRMING: marked("결제 확인 중"),
    WAITING_FOR_DEPOSIT: marked("입금 대기"),
    PAID: marked("결제 성공"),
    FAILED: marked("결제 실패"),
    CANCELED: marked("결제 취소"),
    PARTIAL_CANCELED: marked("부분 취소"),
    EXPIRED: marked("만료"),
    REVIEW: marked("확인 필요"),
}

# A closed attempt gives its order's one open slot away; REVIEW keeps whatever slot it had.
CLOSED = frozenset({PAID, FAILED, CANCELED, PARTIAL_CANCELED, EXPIRED})

# An ended attempt has no money, and no right to any.
ENDED = frozenset({FAILED, CANCELED, EXPIRED})

ALLOWED = frozenset(
    {
        (PENDING, CONFIRMING),
        (PENDING, FAILED),  # out of stock on return: nothing was asked of Toss
        (PENDING, CANCELED),
        (PENDING, EXPIRED),
        (CONFIRMING, PAID),
        (CONFIRMING, WAITING_FOR_DEPOSIT),
        (CONFIRMING, FAILED),
        (CONFIRMING, REVIEW),
        (WAITING_FOR_DEPOSIT, PAID),
        (WAITING_FOR_DEPOSIT, CANCELED),
        (WAITING_FOR_DEPOSIT, EXPIRED),
        (WAITING_FOR_DEPOSIT, REVIEW),
        (PAID, REVIEW),  # Toss says the money is no longer there
        (PAID, WAITING_FOR_DEPOSIT),  # the bank took the deposit back
        (PAID, PARTIAL_CANCELED),
        (PAID, CANCELED),
        (PARTIAL_CANCELED, CANCELED),
        (PARTIAL_CANCELED, REVIEW),
        # Where Toss says it stands, once a person has it asked again or has returned the money.
        (REVIEW, PAID),
        (REVIEW, WAITING_FOR_DEPOSIT),
        (REVIEW, PARTIAL_CANCELED),
        (REVIEW, CANCELED),
        (REVIEW, FAILED),
        # Money that came after we had given the attempt up: kept if the goods can be had, else returned.
        (FAILED, PAID),
        (FAILED, CANCELED),
        (FAILED, REVIEW),
        (EXPIRED, PAID),
        (EXPIRED, CANCELED),
        (EXPIRED, REVIEW),
        (CANCELED, REVIEW),
    }
)


def allows(old: str, new: str) -> bool:
    """Whether an attempt may go from ``old`` to ``new``."""
    return (old, new) in ALLOWED


def sources(new: str) -> list[str]:
    """Return the states from which an attempt may go to ``new``: an update to it finds no other."""
    return sorted(old for old, after in ALLOWED if after == new)
