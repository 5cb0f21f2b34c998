"""What Toss's answer means for an attempt: a payment only when every field is as asked."""

from dataclasses import replace

import pytest

from app.payments.attempt import Attempt, Standing, judge
from app.payments.payment import TossPayment

ATTEMPT = Attempt(1, 1, "NUMBER", "CONFIRMING", None, None, 1, 15_000, "", "", "key", "idem", None, None, 0)
DONE = TossPayment(
    "key",
    "NUMBER",
    "DONE",
    "카드",
    "KRW",
    15_000,
    15_000,
    None,
    None,
    0,
    None,
    None,
    None,
    None,
    None,
    None,
    {},
)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("DONE", Standing.DONE),
        ("WAITING_FOR_DEPOSIT", Standing.WAITING),
        ("READY", Standing.OPEN),
        ("IN_PROGRESS", Standing.OPEN),
        ("ABORTED", Standing.DEAD),
        ("EXPIRED", Standing.DEAD),
        ("CANCELED", Standing.DEAD),
        ("PARTIAL_CANCELED", Standing.WRONG),
        ("SOMETHING_NEW", Standing.WRONG),
    ],
)
def test_each_status_means_one_thing(status: str, standing: Standing) -> None:
    assert judge(ATTEMPT, replace(DONE, status=status)) is standing


@pytest.mark.parametrize("changed", [{"total_amount": 15_100}, {"currency": "USD"}, {"payment_key": "other"}])
@pytest.mark.parametrize("status", ["DONE", "WAITING_FOR_DEPOSIT"])
def test_money_that_is_not_as_asked_is_wrong(changed: dict[str, object], status: str) -> None:
    assert judge(ATTEMPT, replace(DONE, status=status, **changed)) is Standing.WRONG  # type: ignore[arg-type]


def test_another_orders_payment_is_a_stranger() -> None:
    assert judge(ATTEMPT, replace(DONE, order_id="OTHER")) is Standing.STRANGER
