"""Somebody who buys: cart, checkout, Toss's window, the way back; and the books that must agree then."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx
from prometheus_client import REGISTRY
from quart import Response
from sqlalchemy import select, update

from app.core.ids import idempotency_key
from app.infra.db import Tx
from app.machines import Machines
from app.models import order_lines, orders, refunds, stock_movements, toss_payments, web_payments
from app.orders import service as order_service
from app.stock import service as stock
from sandbox.toss.config import Config
from tests.goods import stock_of
from tests.shop import Shop, Visitor
from tests.toss_stand import Stand, basic

FOUND_ELSEWHERE, UNAVAILABLE = 303, 503

ADDRESS: dict[str, Any] = {
    "recipient_name": "김민지",
    "recipient_phone": "010-1234-5678",
    "postcode": "04524",
    "address1": "서울특별시 중구 세종대로 110",
    "address2": "3층",
    "delivery_note": "문 앞에 놓아 주세요",
}


@dataclass(slots=True)
class Buyer:
    """One browser and one card."""

    shop: Shop
    visitor: Visitor
    stand: Stand

    async def put(self, product_id: int, quantity: int = 1) -> None:
        """Put goods in the cart, and press again when Redis was just away; the key makes it count once."""
        form: dict[str, Any] = {"product_id": product_id, "quantity": quantity, "key": idempotency_key()}
        answer = await self.visitor.post("/cart/lines", **form)
        while answer.status_code == UNAVAILABLE:
            answer = await self.visitor.post("/cart/lines", **form)
        assert answer.status_code == FOUND_ELSEWHERE, await answer.get_data(as_text=True)

    async def seen_total(self) -> str:
        review = await (await self.visitor.post("/checkout", **ADDRESS)).get_data(as_text=True)
        found = re.search(r'name="seen_total" value="(\d+)"', review)
        assert found, review
        return found[1]

    async def check_out(self, **changed: str) -> str:
        """Order what is in the cart; return the order's number."""
        seen: dict[str, Any] = {"seen_total": await self.seen_total(), "confirmed": "1"}
        answer = await self.visitor.post("/checkout", **{**ADDRESS, **seen, **changed})
        assert answer.status_code == 303, await answer.get_data(as_text=True)
        found = re.fullmatch(r"/orders/([\w-]+)/payment", answer.headers["Location"])
        assert found, answer.headers["Location"]
        return found[1]

    async def order(self, *wanted: tuple[int, int]) -> str:
        for product_id, quantity in wanted:
            await self.put(product_id, quantity)
        return await self.check_out()

    async def payment_page(self, order_no: str) -> dict[str, str]:
        """What the payment page hands to the widget."""
        answer = await self.visitor.get(f"/orders/{order_no}/payment")
        page = await answer.get_data(as_text=True)
        assert answer.status_code == 200, (answer.status_code, answer.headers.get("Location"))
        return dict(re.findall(r'data-([\w-]+)="([^"]*)"', page))

    async def authenticate(self, order_no: str, method: str = "CARD") -> str:
        """Go through the widget and the window; return the way back."""
        offer = await self.payment_page(order_no)
        payment_no, amount = offer["payment-no"], int(offer["amount"])
        payment_key, _ = await self.stand.approve(amount, method, orderId=payment_no)
        return back(payment_no, payment_key, amount)

    async def come_back(self, url: str) -> Response:
        return await self.visitor.get(url)

    async def pay(self, order_no: str, method: str = "CARD") -> Response:
        return await self.come_back(await self.authenticate(order_no, method))


def back(payment_no: str, payment_key: str, amount: object) -> str:
    """The success URL as Toss calls it."""
    query = {"paymentType": "NORMAL", "orderId": payment_no, "paymentKey": payment_key, "amount": amount}
    return f"/payments/toss/return/{payment_no}?{urlencode(query)}"


@asynccontextmanager
async def stand_of(shop: Shop) -> AsyncIterator[Stand]:
    """The sandbox of the stack, with no fault left over from another test."""
    async with httpx.AsyncClient(base_url=shop.stack.toss_api_url, trust_env=False) as http:
        await http.delete("/sandbox/faults")
        yield Stand(shop.stack.toss_api_url, Config(), http)
        await http.delete("/sandbox/faults")


async def attempts(shop: Shop, order_no: str) -> list[Any]:
    """The order's attempts to pay, the oldest first."""
    query = select(web_payments).join(orders, orders.c.order_id == web_payments.c.order_id)
    query = query.where(orders.c.order_no == order_no).order_by(web_payments.c.web_payment_id)
    async with shop.m.db.read() as tx:
        return list(await tx.execute(query))


async def states(shop: Shop, order_no: str) -> tuple[str, list[str]]:
    """The order's state, and its attempts'."""
    row = await order_row(shop, order_no)
    return row.status, [attempt.payment_status for attempt in await attempts(shop, order_no)]


async def order_row(shop: Shop, order_no: str) -> Any:
    async with shop.m.db.read() as tx:
        return (await tx.execute(select(orders).where(orders.c.order_no == order_no))).one()


class HasMachines(Protocol):
    """A shop, seen as its machines."""

    @property
    def m(self) -> Machines:
        """The machines."""


async def hand_over(shop: HasMachines, order_no: str) -> str:
    """Return the pass by which another device pays an order, as the order's payment page gives it."""
    async with shop.m.db.read() as tx:
        here = select(orders.c.order_id).where(orders.c.order_no == order_no)
        order = await order_service.read_order(tx, (await tx.execute(here)).scalar_one())
    return order_service.issue_payment_pass(shop.m, order)[0]


async def toss_row(shop: Shop, web_payment_id: int) -> Any:
    query = select(toss_payments).where(toss_payments.c.web_payment_id == web_payment_id)
    async with shop.m.db.read() as tx:
        return (await tx.execute(query)).one()


async def mend(shop: HasMachines, stand: Stand) -> None:
    """Let Toss be well again, and the shop know it."""
    await stand.http.delete("/sandbox/faults")
    shop.m.toss.breaker.answered()


async def make_older(shop: HasMachines, order_no: str, minutes: float) -> None:
    """Let time pass for an order and its attempts, and make every check due."""
    ago = timedelta(minutes=minutes)

    async def older(tx: Tx) -> None:
        row = (await tx.execute(select(orders).where(orders.c.order_no == order_no))).one()
        await tx.execute(
            update(orders).where(orders.c.order_id == row.order_id).values(expires_at=row.expires_at - ago)
        )
        mine = web_payments.c.order_id == row.order_id
        for attempt in (await tx.execute(select(web_payments).where(mine))).all():
            await _make_attempt_older(tx, attempt, ago)

    await shop.m.db.retrying(older)  # the worker is at work on the same rows


async def _make_attempt_older(tx: Tx, attempt: Any, ago: timedelta) -> None:
    values: dict[str, Any] = {}
    if attempt.confirming_at is not None:
        values["confirming_at"] = attempt.confirming_at - ago
    if attempt.next_check_at is not None:
        values["next_check_at"] = min(attempt.next_check_at - ago, tx.clock.now())
    if values:
        this = web_payments.c.web_payment_id == attempt.web_payment_id
        await tx.execute(update(web_payments).where(this).values(**values))
    asked = refunds.c.web_payment_id == attempt.web_payment_id
    for refund in (await tx.execute(select(refunds).where(asked))).all():
        if refund.next_check_at is not None:
            due = min(refund.next_check_at - ago, tx.clock.now())
            this = refunds.c.refund_id == refund.refund_id
            await tx.execute(
                update(refunds).where(this).values(next_check_at=due, created_at=refund.created_at - ago)
            )


async def webhook(shop: Shop, stand: Stand, payment_key: str, **changed: object) -> Response:
    """Send the webhook Toss would send of a payment as it stands, or a forged one."""
    payment = (await stand.http.get(f"/v1/payments/{payment_key}", headers=basic())).json()
    body = {
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": shop.m.clock.now().isoformat(),
        "data": payment | changed,
    }
    return await shop.app.test_client().post("/payments/toss/webhook", json=body)


async def assert_books(shop: Shop, stand: Stand, *order_nos: str) -> None:
    """No won and no piece of goods is lost: ledger, shelf, sandbox and attempts say the same."""
    books = await stand.ledger()
    async with shop.m.db.read() as tx:
        wrong = {difference.product_id for difference in await stock.find_differences(tx)}
    for order_no in order_nos:
        for attempt in await attempts(shop, order_no):
            paid = attempt.payment_status == "PAID"
            assert books["charges"].get(attempt.payment_no, 0) == int(paid), attempt
            assert books["kept"].get(attempt.payment_no, 0) == (attempt.total_price if paid else 0)
            assert not wrong & set(await _assert_held(shop, attempt))


async def _assert_held(shop: Shop, attempt: Any) -> dict[int, int]:
    """An attempt holds its goods while it may be paid, and nothing before and after; return its goods."""
    moved = select(stock_movements).where(stock_movements.c.web_payment_id == attempt.web_payment_id)
    wanted = select(order_lines).where(order_lines.c.order_id == attempt.order_id)
    async with shop.m.db.read() as tx:
        held: dict[int, int] = {}
        for row in await tx.execute(moved):
            held[row.product_id] = held.get(row.product_id, 0) - row.delta
        lines = {row.product_id: row.quantity for row in await tx.execute(wanted)}
    holding = attempt.payment_status in {"CONFIRMING", "WAITING_FOR_DEPOSIT", "PAID", "REVIEW"}
    assert {key: value for key, value in held.items() if value} == (lines if holding else {}), attempt
    return lines


def alarms(kind: str) -> int:
    """How often an alarm was raised so far, in this process."""
    return int(REGISTRY.get_sample_value("madang_alarms_total", {"kind": kind}) or 0)


async def left(shop: Shop, product_ids: Sequence[int]) -> list[int]:
    """What is on the shelf."""

    async def read(tx: Tx) -> list[int]:
        return [await stock_of(tx, product_id) for product_id in product_ids]

    async with shop.m.db.read() as tx:
        return await read(tx)
