"""Every pair of states: the drawn arrows are allowed, all the rest are refused."""

from itertools import product

import pytest

from app.orders import states as order_states
from app.payments import states as attempt_states

ORDERS = """
    PENDING > WAITING_FOR_DEPOSIT PAID CANCELED EXPIRED SUPERSEDED
    WAITING_FOR_DEPOSIT > PAID CANCELED EXPIRED
    PAID > WAITING_FOR_DEPOSIT PARTIAL_CANCELED CANCELED
    PARTIAL_CANCELED > CANCELED
    EXPIRED > PAID
"""
ATTEMPTS = """
    PENDING > CONFIRMING FAILED CANCELED EXPIRED
    CONFIRMING > PAID WAITING_FOR_DEPOSIT FAILED REVIEW
    WAITING_FOR_DEPOSIT > PAID CANCELED EXPIRED REVIEW
    PAID > WAITING_FOR_DEPOSIT PARTIAL_CANCELED CANCELED REVIEW
    PARTIAL_CANCELED > CANCELED REVIEW
    REVIEW > PAID WAITING_FOR_DEPOSIT PARTIAL_CANCELED CANCELED FAILED
    FAILED > PAID CANCELED REVIEW
    EXPIRED > PAID CANCELED REVIEW
    CANCELED > REVIEW
"""


def arrows(drawn: str) -> set[tuple[str, str]]:
    lines = [line.split(" > ") for line in drawn.strip().splitlines()]
    return {(old.strip(), new) for old, news in lines for new in news.split()}


@pytest.mark.parametrize("pair", list(product(order_states.LABELS, repeat=2)), ids="-".join)
def test_an_order_takes_only_these_ways(pair: tuple[str, str]) -> None:
    assert order_states.allows(*pair) == (pair in arrows(ORDERS))


@pytest.mark.parametrize("pair", list(product(attempt_states.LABELS, repeat=2)), ids="-".join)
def test_an_attempt_takes_only_these_ways(pair: tuple[str, str]) -> None:
    assert attempt_states.allows(*pair) == (pair in arrows(ATTEMPTS))


def test_nothing_leads_to_or_from_a_state_that_has_no_name() -> None:
    assert {state for pair in order_states.ALLOWED for state in pair} <= set(order_states.LABELS)
    assert {state for pair in attempt_states.ALLOWED for state in pair} <= set(attempt_states.LABELS)


def test_the_seeds_words_are_on_screen() -> None:
    words = {"PENDING": "보류", "PAID": "결제 성공", "FAILED": "결제 실패", "CANCELED": "결제 취소"}
    assert words.items() <= attempt_states.LABELS.items()
