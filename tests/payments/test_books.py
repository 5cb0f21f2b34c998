"""The nightly comparison: it finds what is wrong on either side, once, and nothing where all is well."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, select, update

from app.core.clock import KST, Clock, to_kst
from app.core.errors import UnavailableError
from app.models import (
    payment_comparisons,
    payment_differences,
    products,
    refunds,
    toss_payments,
    web_payments,
)
from app.payments import service as payments
from app.payments.books import compare as comparing
from app.payments.service import RefundWish
from tests.buyer import Buyer, alarms, attempts
from tests.goods import mug
from tests.shop import Shop
from tests.toss_stand import Stand

LONGEST_TEST = timedelta(seconds=30)


def today() -> date:
    """Return the day it is in Seoul, where a new one begins at 15:00 UTC."""
    return to_kst(Clock().now()).date()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _one_day() -> None:
    """Let a day that is about to end be over first: what a test pays for and compares is of one day."""
    now = to_kst(Clock().now())
    left = datetime.combine(now.date() + timedelta(days=1), time(), KST) - now
    if left < LONGEST_TEST:
        await asyncio.sleep(left.total_seconds())


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _clean_books(shop: Shop) -> AsyncIterator[None]:
    """Other tests leave payments that do not fit on purpose: none of them is compared here."""
    async with shop.m.db.write() as tx:
        await tx.execute(delete(payment_differences))
        await tx.execute(delete(payment_comparisons))
    yield


async def paid(buyer: Buyer, method: str = "CARD") -> Any:
    order_no = await buyer.order((await mug(buyer.shop.m), 1))
    await buyer.pay(order_no, method)
    return (await attempts(buyer.shop, order_no))[0]


async def compare(shop: Shop, *of: str) -> tuple[set[str], int]:
    """Compare today; return the kinds of difference about these subjects, and how many were new."""
    report = await payments.compare(shop.m, today())
    return {each.kind for each in report.differences if each.subject in of}, report.new


def name(attempt: Any) -> str:
    return f"web_payment {attempt.web_payment_id}"


async def change(shop: Shop, table: Any, this: Any, **values: Any) -> None:
    async with shop.m.db.write() as tx:
        await tx.execute(update(table).where(this).values(**values))


async def test_what_agrees_is_no_difference(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    card, part, whole = await paid(buyer), await paid(buyer), await paid(buyer)
    waiting = await paid(buyer, "VIRTUAL_ACCOUNT")
    for attempt, amount in ((part, 4_000), (whole, 15_000)):
        wish = RefundWish(secrets.token_hex(16), amount, "단순 변심", None, None)
        await payments.refund(shop.m, attempt.web_payment_id, wish)
    await stand.approve()  # a window that nobody confirmed
    found, _ = await compare(shop, *map(name, (card, part, whole, waiting)))
    assert found == set()


async def test_each_difference_is_kept_once_and_wakes_somebody_once(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    attempt = await paid(buyer)
    await compare(shop)  # whatever else is there
    before = alarms("books_differ")
    this = toss_payments.c.web_payment_id == attempt.web_payment_id
    await change(shop, toss_payments, this, total_amount=14_000)
    found, new = await compare(shop, name(attempt))
    assert (found, new, alarms("books_differ") - before) == ({"amount"}, 1, 1)
    found, new = await compare(shop, name(attempt))
    assert (found, new, alarms("books_differ") - before) == ({"amount"}, 0, 1)
    await change(shop, toss_payments, this, total_amount=15_000)
    assert (await compare(shop, name(attempt)))[0] == set()
    async with shop.m.db.read() as tx:
        row = (
            await tx.execute(
                select(payment_differences).where(payment_differences.c.subject == name(attempt))
            )
        ).one()
    assert (row.kind, row.ours, row.theirs) == ("amount", "14000", "15000")
    assert row.resolved_at is not None


async def test_a_payment_only_toss_knows_is_found(shop: Shop, stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    await stand.confirm(payment_key, order_id)
    assert (await compare(shop, payment_key))[0] == {"unknown_payment"}


async def test_money_that_is_not_written_down_is_found(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    attempt = await paid(buyer)
    this = web_payments.c.web_payment_id == attempt.web_payment_id
    await change(shop, web_payments, this, payment_status="FAILED")
    assert (await compare(shop, name(attempt)))[0] == {"not_recorded"}


async def test_a_cancellation_whose_webhook_was_lost_is_found(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    whole, part = await paid(buyer), await paid(buyer)
    await stand.http.post("/sandbox/webhook-url", json={"url": ""})
    await stand.cancel(whole.payment_key)
    await stand.cancel(part.payment_key, cancelAmount=1_000)
    found, _ = await compare(shop, name(whole))
    assert found == {"money_gone"}
    found, _ = await compare(shop, name(part))
    assert found == {"refunded_amount"}


async def test_a_payment_toss_has_never_heard_of_is_found(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    attempt = await paid(buyer)
    key = f"tgen_{secrets.token_hex(8)}"
    for table in (web_payments, toss_payments):
        await change(shop, table, table.c.web_payment_id == attempt.web_payment_id, payment_key=key)
    assert (await compare(shop, name(attempt)))[0] == {"missing_at_toss"}


async def test_stock_that_is_not_its_ledger_is_found_and_forgotten_when_mended(
    shop: Shop, stand: Stand
) -> None:
    cup = await mug(shop.m)
    await change(shop, products, products.c.product_id == cup, quantity=98)
    assert (await compare(shop, f"product {cup}"))[0] == {"stock_ledger"}
    await change(shop, products, products.c.product_id == cup, quantity=100)
    assert (await compare(shop, f"product {cup}"))[0] == set()
    async with shop.m.db.read() as tx:
        desk = await payments.read_desk(tx)
    assert f"product {cup}" not in [row.subject for row in desk.differences]


async def test_more_transactions_than_a_page_holds_are_all_read(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    payment_key, order_id = await stand.approve(100_000)
    await stand.confirm(payment_key, order_id, 100_000)
    for _ in range(230):
        await stand.cancel(payment_key, cancelAmount=1)
    start = shop.m.clock.now() - timedelta(hours=1)
    found = await shop.m.toss.list_transactions(start, start + timedelta(days=1))
    mine = [each for each in found if each.payment_key == payment_key]
    assert len({each.transaction_key for each in mine}) == len(mine) == 231


async def test_a_day_is_korean(shop: Shop, stand: Stand) -> None:
    """What was paid at half past midnight in Seoul was paid at half past three in the afternoon in UTC."""
    payment_key, order_id = await stand.approve()
    await stand.confirm(payment_key, order_id)
    start = datetime.combine(today(), time(), KST).astimezone(UTC).replace(tzinfo=None)
    found = await shop.m.toss.list_transactions(start, start + timedelta(days=1))
    assert payment_key in {each.payment_key for each in found}
    before = await shop.m.toss.list_transactions(start - timedelta(days=1), start)
    assert payment_key not in {each.payment_key for each in before}


class At(Clock):
    """A clock that stands still."""

    def __init__(self, hour: int, minute: int) -> None:
        self.korean = datetime.combine(today(), time(hour, minute), KST)

    def now(self) -> datetime:
        return self.korean.astimezone(UTC).replace(tzinfo=None)


async def test_yesterday_is_compared_once_after_half_past_midnight(
    shop: Shop, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    days: list[Any] = []
    real = comparing.compare

    async def counted(m: Any, day: Any) -> Any:
        days.append(day)
        return await real(m, day)

    monkeypatch.setattr(comparing, "compare", counted)
    await payments.compare_yesterday(replace(shop.m, clock=At(0, 29)))
    assert days == []
    for hour in (0, 1, 9):
        await payments.compare_yesterday(replace(shop.m, clock=At(hour, 31)))
    assert days == [today() - timedelta(days=1)]


async def test_a_toss_that_is_away_leaves_the_day_to_be_compared_later(
    shop: Shop, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        shop.m.toss.breaker.failed()
    with pytest.raises(UnavailableError):
        await payments.compare(shop.m, today())
    async with shop.m.db.read() as tx:
        assert (await tx.execute(select(payment_comparisons))).all() == []


async def test_the_report_names_the_day_and_every_difference(shop: Shop, stand: Stand) -> None:
    cup = await mug(shop.m)
    await change(shop, products, products.c.product_id == cup, quantity=97)
    text = (await payments.compare(shop.m, today())).text
    assert text.startswith(f"{today()}: ")
    assert f"stock_ledger: product {cup}: ours 97, theirs 100" in text
    await change(shop, products, products.c.product_id == cup, quantity=100)


async def test_refunds_are_dated_by_toss(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    attempt = await paid(buyer)
    wish = RefundWish(secrets.token_hex(16), 1_000, "단순 변심", None, None)
    await payments.refund(shop.m, attempt.web_payment_id, wish)
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(refunds).where(refunds.c.refund_id == wish.refund_id))).one()
    [cancel] = (await stand.look_up(attempt.payment_key))["cancels"]
    assert row.transaction_key == cancel["transactionKey"]
    assert row.canceled_at == datetime.fromisoformat(cancel["canceledAt"]).astimezone(UTC).replace(
        tzinfo=None
    )


def run_verb(shop: Shop, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, **shop.stack.environment(), "LOG_LEVEL": "ERROR"}
    verb = [sys.executable, "-m", "app", "reconcile", *words]
    return subprocess.run(verb, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.real_first
async def test_the_command_prints_its_report_and_its_status_says_whether_the_books_differ(
    shop: Shop, stand: Stand
) -> None:
    cup = await mug(shop.m)
    done = await asyncio.to_thread(run_verb, shop, "--day", "2020-02-29")
    assert (done.returncode, done.stdout) == (0, "2020-02-29: 0 payments compared, 0 differences\n"), (
        done.stderr
    )
    await change(shop, products, products.c.product_id == cup, quantity=96)
    done = await asyncio.to_thread(run_verb, shop)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{today() - timedelta(days=1)}: ")
    assert f"stock_ledger: product {cup}: ours 96, theirs 100" in done.stdout
    await change(shop, products, products.c.product_id == cup, quantity=100)
    assert (await asyncio.to_thread(run_verb, shop, "--day", "yesterday")).returncode == 2
