"""Leaving for good: what goes at once, what the law keeps for five years, and what must be settled first."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.accounts import service
from app.accounts.closure.service import OPERATOR
from app.cart import service as carts
from app.core import ids
from app.models import account_links, orders, refunds, toss_payments, users, web_payments
from app.models import carts as cart_rows
from app.payments import service as payments
from tests.buyer import ADDRESS, Buyer, assert_books, attempts, order_row, stand_of, toss_row
from tests.goods import mug
from tests.letters import give_email, later, letter, make_stale
from tests.shop import Shop, Visitor
from tests.toss_stand import Stand
from tests.village import Person, enter, hana, minji, typed

pytestmark = pytest.mark.real_first

YEARS = 366
WRONG: tuple[dict[str, Any], ...] = ({}, {"password": "틀린 비밀번호"})


@pytest_asyncio.fixture
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    async with stand_of(shop) as one:
        yield one


async def close(visitor: Visitor, **form: Any) -> Any:
    return await visitor.post("/account/closure", **{"confirmed": "1", **form})


async def row_of(shop: Shop, person: Person) -> Any:
    async with shop.m.db.read() as tx:
        return (await tx.execute(select(users).where(users.c.user_id == person.user_id))).one()


async def buy(shop: Shop, stand: Stand, visitor: Visitor) -> str:
    buyer = Buyer(shop, visitor, stand)
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no)
    return order_no


async def test_who_leaves_is_forgotten_at_once(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    here, there = await enter(shop, person), await enter(shop, person)
    await here.post("/cart/lines", product_id=await mug(shop.m), quantity=2, key="")
    await carts.sweep(shop.m)
    page = await (await here.get("/account/closure")).get_data(as_text=True)
    assert "5년" in page
    assert "되돌릴 수 없습니다" in page
    answer = await close(here)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account-closed")
    assert "탈퇴가 끝났습니다" in await (await here.get("/account-closed")).get_data(as_text=True)
    row = await row_of(shop, person)
    nobody = (row.name, row.phone, row.email, row.email_confirmed_at, row.signup_password, row.consents)
    assert nobody == ("", "", None, None, "", "{}")
    assert row.closed_at is not None
    for visitor in (here, there):
        assert (await visitor.get("/account")).status_code == 303
    assert await service.log_in(shop.m, person.signup_id, person.password) is None
    assert (await carts.snapshot(shop.m, person.owner)).live == ()
    async with shop.m.db.read() as tx:
        mine = cart_rows.c.owner == person.owner
        assert (await tx.execute(select(cart_rows).where(mine))).all() == []
        links = account_links.c.user_id == person.user_id
        assert (await tx.execute(select(account_links).where(links))).all() == []
    assert await letter(shop, email, "탈퇴가 끝났습니다")


async def test_the_id_of_who_left_is_nobody_elses_for_five_years(shop: Shop) -> None:
    person = await minji(shop.m)
    assert (await close(await enter(shop, person))).status_code == 303
    form = typed(signup_id=person.signup_id)
    assert (await shop.visitor().post("/signup", **form)).status_code == 422
    await service.release_ids(later(shop.m, days=4 * YEARS))
    assert (await row_of(shop, person)).signup_id == person.signup_id
    for _ in range(2):
        await service.release_ids(later(shop.m, days=5 * YEARS + 1))
        assert (await row_of(shop, person)).signup_id == f"~{person.user_id}"
    assert (await shop.visitor().post("/signup", **form)).status_code == 303


async def test_an_open_order_keeps_the_account_open(shop: Shop, stand: Stand) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    order_no = await Buyer(shop, visitor, stand).order((await mug(shop.m), 1))
    for answer in (await visitor.get("/account/closure"), await close(visitor)):
        page = await answer.get_data(as_text=True)
        assert "결제하지 않았거나 입금을 기다리는 주문이 있습니다" in page
        assert 'href="/orders"' in page
    assert answer.status_code == 409
    assert (await row_of(shop, person)).name == person.name
    assert (await visitor.get("/account")).status_code == 200
    assert (await visitor.post(f"/orders/{order_no}/cancellation")).status_code == 303
    assert (await close(visitor)).status_code == 303


@pytest.mark.parametrize("status", ["CONFIRMING", "REVIEW"])
async def test_a_payment_nobody_has_decided_keeps_the_account_open(
    shop: Shop, stand: Stand, status: str
) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    order_no = await buy(shop, stand, visitor)
    await set_status(shop, order_no, status)
    answer = await close(visitor)
    assert answer.status_code == 409
    assert "결제 확인이나 환불이 진행되고 있습니다" in await answer.get_data(as_text=True)
    await set_status(shop, order_no, "PAID")
    assert (await close(visitor)).status_code == 303


async def set_status(shop: Shop, order_no: str, status: str) -> None:
    [attempt] = await attempts(shop, order_no)
    this = update(web_payments).where(web_payments.c.web_payment_id == attempt.web_payment_id)
    async with shop.m.db.write() as tx:
        await tx.execute(this.values(payment_status=status))


async def test_a_refund_under_way_keeps_the_account_open(shop: Shop, stand: Stand) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    [attempt] = await attempts(shop, await buy(shop, stand, visitor))
    now, refund_id = shop.m.clock.now(), ids.idempotency_key()
    row = {
        "refund_id": refund_id, "web_payment_id": attempt.web_payment_id, "amount": 1000,
        "reason": "단순 변심", "status": "REQUESTED", "created_at": now, "updated_at": now,
    }  # fmt: skip
    async with shop.m.db.write() as tx:
        await tx.execute(refunds.insert(), row)
    assert (await close(visitor)).status_code == 409
    async with shop.m.db.write() as tx:
        await tx.execute(update(refunds).where(refunds.c.refund_id == refund_id).values(status="REFUSED"))
    assert (await close(visitor)).status_code == 303


async def test_what_was_bought_is_kept_apart_and_forgotten_after_five_years(shop: Shop, stand: Stand) -> None:
    person, staying = await minji(shop.m), await minji(shop.m)
    visitor = await enter(shop, person)
    left = await buy(shop, stand, visitor)
    guests = await buy(shop, stand, shop.visitor())
    stays = await buy(shop, stand, await enter(shop, staying))
    assert (await close(visitor)).status_code == 303
    await payments.forget_buyers(later(shop.m, days=4 * YEARS))
    for order_no in (left, guests, stays):
        assert await names_in(shop, order_no) == {ADDRESS["recipient_name"]}
    long_after = later(shop.m, days=5 * YEARS + 1)
    await payments.forget_buyers(long_after)
    await payments.forget_buyers(long_after)
    for order_no in (left, guests):
        assert await names_in(shop, order_no) == {""}
        row = await order_row(shop, order_no)
        assert (row.recipient_phone, row.postcode, row.address1, row.address2) == ("", "", "", "")
        [attempt] = await attempts(shop, order_no)
        told = await toss_row(shop, attempt.web_payment_id)
        assert (attempt.signup_id, attempt.customer_phone, told.answer) == (None, "", "{}")
        assert attempt.total_price == told.total_amount == row.total_price == 15_000
        async with shop.m.db.read() as tx:  # an operator may still look
            assert await payments.read_case(tx, attempt.web_payment_id)
        assert ADDRESS["recipient_name"] not in str((row, attempt, told))
    assert await names_in(shop, stays) == {ADDRESS["recipient_name"]}
    await assert_books(shop, stand, left, guests, stays)


async def names_in(shop: Shop, order_no: str) -> set[str]:
    query = (
        select(orders.c.recipient_name, web_payments.c.customer_name, toss_payments.c.customer_name)
        .join_from(orders, web_payments, web_payments.c.order_id == orders.c.order_id)
        .join(toss_payments, toss_payments.c.web_payment_id == web_payments.c.web_payment_id)
        .where(orders.c.order_no == order_no)
    )
    async with shop.m.db.read() as tx:
        [row] = (await tx.execute(query)).all()
    return set(row)


async def test_a_forgotten_order_is_found_by_nobody(shop: Shop, stand: Stand) -> None:
    visitor = shop.visitor()
    order_no = await buy(shop, stand, visitor)
    await payments.forget_buyers(later(shop.m, days=5 * YEARS + 1))
    for phone in ("", "01012345678", "0"):
        answer = await shop.visitor().post("/orders/lookup", order_no=order_no, phone=phone)
        assert answer.status_code == 422


async def test_what_was_read_is_confirmed_first(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    answer = await visitor.post("/account/closure")
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.findall(r'id="account-(\w+)-error"', page) == ["confirmed"]
    assert (await row_of(shop, person)).closed_at is None


async def test_a_borrowed_phone_closes_no_account(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    await make_stale(shop.m, person)
    assert 'name="password"' in await (await visitor.get("/account/closure")).get_data(as_text=True)
    for wrong in WRONG:
        answer = await close(visitor, **wrong)
        page = await answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert re.findall(r'id="account-(\w+)-error"', page) == ["password"]
        assert 'name="confirmed" value="1" checked' in page  # what was ticked is kept
    assert (await row_of(shop, person)).closed_at is None
    assert (await close(visitor, password=person.password)).status_code == 303


async def test_who_runs_the_shop_does_not_leave_by_this_door(shop: Shop) -> None:
    person = await hana(shop.m)
    visitor = await enter(shop, person)
    for answer in (await visitor.get("/account/closure"), await close(visitor)):
        assert OPERATOR in await answer.get_data(as_text=True)
    assert (await row_of(shop, person)).closed_at is None


async def test_a_guest_has_no_account_to_close(shop: Shop) -> None:
    assert (await close(shop.visitor())).headers["Location"].startswith("/login")
