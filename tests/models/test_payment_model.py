"""Payments explored: no piece sold twice, no won without an order; and each rule taken away is missed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.models.explorer import Exploration, explore
from tests.models.payment import Refunding, Selling, SellingRules

Record = Callable[[str, object], None]

QUICK = {
    "one buyer, any answer of Toss": Selling(orders=1),
    "two buyers, one piece": Selling(webhooks=False, errors=False),
    "three buyers, two pieces, no deaths": Selling(3, 2, webhooks=False, errors=False, faults=0),
    "one virtual account, no deaths": Selling(orders=1, accounts=True, errors=False, faults=0),
}
SLOW = {
    "one virtual account, any answer of Toss": Selling(orders=1, accounts=True),
    "three buyers, two pieces, one death": Selling(3, 2, webhooks=False, errors=False, faults=1),
}
MANY_STATES = 35_000

PLAIN = Selling(orders=1, webhooks=False, errors=False)
ACCOUNT = Selling(orders=1, accounts=True)
MISSED = {
    "reserve_first": ("sold more than there was", replace(PLAIN, orders=2)),
    "patience": ("charged without an order", PLAIN),
    "keys": ("charged twice", PLAIN),
    "guard": ("paid without goods", ACCOUNT),
    "ask_again": ("charged without an order", ACCOUNT),
    "late_money": ("charged without an order", ACCOUNT),
    "comparison": ("paid without money", ACCOUNT),
}


def report(record: Record, name: str, seen: Exploration) -> None:
    """Leave the numbers where a person finds them."""
    record(name, str(seen))
    print(f"{name}: {seen}")  # noqa: T201 - shown with -s, and when the test fails


@pytest.mark.parametrize("name", QUICK)
def test_charged_if_and_only_if_paid(name: str, record_property: Record) -> None:
    seen = explore(QUICK[name])
    report(record_property, name, seen)
    assert not seen.violation, seen
    assert seen.at_rest


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_charged_if_and_only_if_paid_in_many_states(name: str, record_property: Record) -> None:
    seen = explore(SLOW[name])
    report(record_property, name, seen)
    assert not seen.violation, seen
    assert seen.states >= MANY_STATES


@pytest.mark.parametrize("rule", MISSED)
def test_every_rule_is_needed(rule: str, record_property: Record) -> None:
    violation, selling = MISSED[rule]
    seen = explore(replace(selling, rules=SellingRules(**{rule: False})))
    report(record_property, f"without {rule}", seen)
    assert seen.violation == violation, seen
    assert seen.trace


def test_a_webhook_that_is_believed_pays_for_an_order(record_property: Record) -> None:
    seen = explore(replace(PLAIN, rules=SellingRules(ask=False, comparison=False)))
    report(record_property, "without ask", seen)
    assert seen.violation == "paid without money"
    assert seen.trace


def test_every_rule_has_its_counter_example() -> None:
    assert {*MISSED, "ask"} == set(SellingRules.__slots__)


@pytest.mark.parametrize("operators", [2, 3])
def test_no_more_is_given_back_than_was_paid(operators: int, record_property: Record) -> None:
    seen = explore(Refunding(operators=operators))
    report(record_property, f"{operators} operators", seen)
    assert not seen.violation, seen


@pytest.mark.parametrize("rule", ["guard", "keys"])
def test_every_rule_of_a_refund_is_needed(rule: str, record_property: Record) -> None:
    seen = explore(replace(Refunding(), **{rule: False}))
    report(record_property, f"refund without {rule}", seen)
    assert seen.violation == "returned more than was paid"
    assert seen.trace
