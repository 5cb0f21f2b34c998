"""The witness of the random campaign sees what is lost, and forgives only what may be."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.ids import fingerprint, token
from tests.chaos.books import (
    DOUBLE,
    LOST,
    OTHER_GOODS,
    RESURRECTED,
    UNCHARGED,
    UNPAID,
    Books,
    judge_carts,
    judge_payments,
)
from tests.chaos.browser import Browser
from tests.chaos.shopper import Purchase, Shopper
from tests.chaos.tally import Tally
from tests.chaos.wire import Wire
from tests.chaos.witness import Witness

MUG, POT = 1, 2


@pytest.fixture
def witness() -> Witness:
    witness = Witness()
    witness.put(MUG, 3)
    return witness


@pytest.fixture
def shopper(witness: Witness) -> Shopper:
    tally = Tally()
    wire = Wire("http://nowhere.invalid", 1, {"gid": token()})
    leaving = asyncio.Event()
    return Shopper(1, Browser(wire, tally), tally, random.Random(1), [MUG, POT], leaving, witness=witness)


def books(shopper: Shopper, cart: dict[int, int], **more: Any) -> Books:
    owner = f"g:{fingerprint(shopper.browser.wire.cookies['gid'])[:40]}"
    return Books(
        **({"statuses": {}, "attempts": [], "goods": {}, "carts": {owner: cart}, "members": {}} | more)
    )


def found(tally: Tally) -> dict[str, int]:
    return {kind: len(said) for kind, said in tally.mishaps.items()}


def test_what_is_as_it_was_acknowledged_is_no_mishap(shopper: Shopper) -> None:
    judge_carts(books(shopper, {MUG: 3}), [(shopper, {MUG: 3})], shopper.tally)
    assert found(shopper.tally) == {}


@pytest.mark.parametrize("seen", [{}, {MUG: 2}])
def test_an_older_quantity_or_none_is_lost(shopper: Shopper, seen: dict[int, int]) -> None:
    judge_carts(books(shopper, {MUG: 3}), [(shopper, seen)], shopper.tally)
    assert found(shopper.tally) == {LOST: 1}


def test_the_database_is_looked_at_too(shopper: Shopper) -> None:
    judge_carts(books(shopper, {}), [(shopper, {MUG: 3})], shopper.tally)
    assert found(shopper.tally) == {LOST: 1}


def test_a_removed_line_that_is_there_is_resurrected(shopper: Shopper) -> None:
    shopper.witness.put(MUG, 0)
    judge_carts(books(shopper, {}), [(shopper, {MUG: 3})], shopper.tally)
    assert found(shopper.tally) == {RESURRECTED: 1}


def test_a_line_being_paid_may_go_and_one_edited_meanwhile_may_not(witness: Witness) -> None:
    witness.put(POT, 1)
    ordered = witness.place_order()
    witness.put(POT, 2)
    witness.let_fade(ordered)
    assert witness.differences({MUG: 3, POT: 2}) == {}
    assert witness.differences({POT: 2}) == {}
    assert witness.differences({}) == {POT: (0, [2])}


def test_a_paid_line_may_be_seen_until_it_was_seen_gone(witness: Witness) -> None:
    ordered = witness.place_order()
    witness.let_fade(ordered)
    witness.pay(ordered)
    assert witness.differences({MUG: 3}) == {}
    assert witness.differences({}) == {}
    assert witness.differences({MUG: 3}) == {MUG: (3, [0])}


def test_a_line_whose_payment_failed_stays(witness: Witness) -> None:
    ordered = witness.place_order()
    witness.let_fade(ordered)
    witness.keep(ordered)
    assert witness.differences({}) == {MUG: (0, [3])}


def test_an_edit_that_may_have_counted_twice_is_certain_once_it_was_seen(witness: Witness) -> None:
    witness.put(MUG, 4, 5)
    assert witness.fits(5)
    assert witness.differences({MUG: 5}) == {}
    assert witness.differences({MUG: 4}) == {MUG: (4, [5])}


def test_a_payment_left_undecided_is_judged_by_how_it_ended(shopper: Shopper) -> None:
    purchase = Purchase("A-1", shopper.witness.place_order())
    shopper.witness.let_fade(purchase.lines)
    shopper.purchases, shopper.undecided = [purchase], [purchase]
    paid = books(shopper, {MUG: 3}, statuses={"A-1": "PAID"}, goods={"A-1": {MUG: 3}})
    judge_carts(paid, [(shopper, {})], shopper.tally)
    assert found(shopper.tally) == {RESURRECTED: 1}


def test_an_order_of_something_else_is_found(shopper: Shopper) -> None:
    shopper.purchases = [Purchase("A-1", {MUG: 3})]
    judge_carts(books(shopper, {MUG: 3}, goods={"A-1": {MUG: 2}}), [(shopper, {MUG: 3})], shopper.tally)
    assert found(shopper.tally) == {OTHER_GOODS: 1}


@pytest.mark.parametrize(
    ("attempt", "order", "charges", "kept", "mishaps"),
    [
        ("PAID", "PAID", 1, 9000, {}),
        ("FAILED", "PENDING", 0, 0, {}),
        ("CANCELED", "CANCELED", 1, 0, {}),
        ("PAID", "PAID", 2, 9000, {DOUBLE: 1}),
        ("PAID", "PAID", 1, 8000, {UNCHARGED: 1}),
        ("PAID", "PAID", 0, 0, {UNCHARGED: 1}),
        ("PAID", "PENDING", 1, 9000, {UNCHARGED: 1}),
        ("FAILED", "PAID", 0, 0, {UNCHARGED: 1}),
        ("EXPIRED", "EXPIRED", 1, 9000, {UNPAID: 1}),
    ],
)
def test_charged_is_paid_and_paid_is_charged_once(
    attempt: str, order: str, charges: int, kept: int, mishaps: dict[str, int]
) -> None:
    tally = Tally()
    row = SimpleNamespace(order_no="A-1", payment_no="P", payment_status=attempt, total_price=9000)
    judge_payments(
        Books({"A-1": order}, [row], {}, {}, {}), {"charges": {"P": charges}, "kept": {"P": kept}}, tally
    )
    assert found(tally) == mishaps


def test_money_for_nothing_we_know_is_found() -> None:
    tally = Tally()
    judge_payments(Books({}, [], {}, {}, {}), {"charges": {"P": 1}, "kept": {"P": 9000}}, tally)
    assert found(tally) == {UNPAID: 1}
