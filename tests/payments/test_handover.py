"""A payment that goes on on another device: what its link opens, for how long, and that nobody pays twice."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.infra import qr
from app.orders import access
from app.orders.access import PAYMENT_PASS_LIFE, Visitor
from tests.buyer import ADDRESS, Buyer, assert_books, attempts, hand_over, make_older, states
from tests.goods import mug
from tests.rooms.orders.test_orders import KEY, NOW, order
from tests.shop import Shop
from tests.toss_stand import Stand
from tests.village import enter, minji

NewBuyer = Callable[[], Buyer]
PERSONAL = (ADDRESS["recipient_name"], "01012345678", "010-1234-5678", ADDRESS["address1"], "달빛 머그</p>")
NOBODY = Visitor("", "")


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def link_of(buyer: Buyer, order_no: str) -> str:
    """The link on the first device's page, without the shop's address."""
    page = await text(await buyer.visitor.get(f"/orders/{order_no}/payment/handover"))
    found = re.search(r'href="http://localhost(/payments/handovers/[^"]+)"', page)
    assert found, page
    assert (
        qr.draw(f"http://localhost{found[1]}").path in page
    )  # what the camera reads is what stands beside it
    return found[1]


async def take_over(other: Buyer, link: str, order_no: str) -> None:
    answer = await other.visitor.post(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{order_no}/payment")


async def test_without_scripts_the_order_is_kept_and_goes_on_elsewhere(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    page = await text(await buyer.visitor.get(f"/orders/{order_no}/payment"))
    without = re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL)[0]
    assert "아직 결제되지 않았습니다" in without
    assert f'href="/orders/{order_no}/payment/handover"' in without
    handover = await text(await buyer.visitor.get(f"/orders/{order_no}/payment/handover"))
    assert "15,000원" in handover
    assert 'role="img"' in handover
    assert "한 번만 결제됩니다" in handover
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])


async def test_another_device_pays_and_the_first_one_says_so(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    waiting = f"/orders/{order_no}/payment/handover"
    link, phone = await link_of(buyer, order_no), new_buyer()
    seen = await text(await phone.visitor.get(link))
    assert "15,000원" in seen
    await take_over(phone, link, order_no)
    asked = await buyer.visitor.get(waiting, htmx=True)
    assert "아직 결제되지 않았습니다" in await text(asked)
    paid = await phone.pay(order_no)
    assert (paid.status_code, "결제가 완료되었습니다" in await text(paid)) == (200, True)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)
    asked = await buyer.visitor.get(waiting, htmx=True)
    assert (asked.status_code, asked.headers["HX-Redirect"]) == (204, f"/orders/{order_no}")
    assert (await buyer.visitor.get(waiting)).headers["Location"] == f"/orders/{order_no}"
    assert "결제 완료" in await text(await buyer.visitor.get(f"/orders/{order_no}"))


async def test_a_members_order_is_paid_on_a_device_that_is_not_logged_in(
    shop: Shop, stand: Stand, new_buyer: NewBuyer
) -> None:
    member = Buyer(shop, await enter(shop, await minji(shop.m)), stand)
    order_no = await member.order((await mug(shop.m), 1))
    phone = new_buyer()
    await take_over(phone, await link_of(member, order_no), order_no)
    assert (await phone.payment_page(order_no))["customer-key"] == "@@ANONYMOUS"
    await phone.pay(order_no)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert (await phone.visitor.get("/account")).status_code == 303  # still nobody


async def test_two_devices_that_pay_at_once_pay_once(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    """Both have been through Toss's window: one is confirmed, and the other hears that it was not charged."""
    order_no = await buyer.order((await mug(shop.m), 1))
    phone = new_buyer()
    await take_over(phone, await link_of(buyer, order_no), order_no)
    ways_back = [await one.authenticate(order_no) for one in (buyer, phone)]
    answers = await asyncio.gather(
        *(one.come_back(url) for one, url in zip((buyer, phone), ways_back, strict=True))
    )
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)  # the sandbox has charged one payment
    told = ["여기서는 결제되지 않았습니다" in await text(answer) for answer in answers]
    assert sorted(told) == [False, True]
    loser, url = (buyer, phone)[told.index(True)], ways_back[told.index(True)]
    assert "여기서는 결제되지 않았습니다" in await text(await loser.come_back(url))  # reloaded, the same


async def test_the_link_shows_and_opens_nothing_but_the_payment(
    shop: Shop, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    """Whoever sees it learns what is bought for how much, and may pay it: a present to its shopper."""
    order_no = await buyer.order((await mug(shop.m), 1))
    link, other = await link_of(buyer, order_no), new_buyer()
    shown = await text(await other.visitor.get(link))
    await take_over(other, link, order_no)
    shown += await text(await other.visitor.get(f"/orders/{order_no}/payment"))
    assert [word for word in PERSONAL if word in shown] == []
    for url in ("", "/status", "/receipt", "/payment/handover"):
        assert (await other.visitor.get(f"/orders/{order_no}{url}")).status_code == 404, url
    assert (await other.visitor.post(f"/orders/{order_no}/cancellation")).status_code == 404
    assert order_no not in await text(await other.visitor.get("/orders"))
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])


async def test_the_link_says_nothing_more_once_the_order_is_paid(
    shop: Shop, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    link, late = await link_of(buyer, order_no), new_buyer()
    await take_over(late, link, order_no)
    await buyer.pay(order_no)
    for url in (link, f"/orders/{order_no}/payment"):
        answer = await late.visitor.get(url)
        assert answer.status_code == 303
        outcome = await text(await late.visitor.get(answer.headers["Location"]))
        assert "결제가 완료되었습니다" in outcome
        assert [word for word in (*PERSONAL, order_no, "15,000원") if word in outcome] == []


async def test_a_canceled_order_takes_its_link_along(shop: Shop, buyer: Buyer, new_buyer: NewBuyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    link, other = await link_of(buyer, order_no), new_buyer()
    await take_over(other, link, order_no)
    offer = await other.payment_page(order_no)
    await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    outcome = await other.visitor.get((await other.visitor.get(link)).headers["Location"])
    assert "주문을 취소하셨습니다" in await text(outcome)
    assert (await other.visitor.get(f"/orders/{order_no}/payment")).status_code == 303
    assert offer["payment-no"] == (await attempts(shop, order_no))[0].payment_no


async def test_what_the_window_refused_can_be_paid_again_on_the_same_device(
    shop: Shop, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    phone = new_buyer()
    await take_over(phone, await link_of(buyer, order_no), order_no)
    payment_no = (await phone.payment_page(order_no))["payment-no"]
    told = await text(
        await phone.visitor.get(f"/payments/toss/failure/{payment_no}?code=REJECT_CARD_COMPANY")
    )
    assert f'href="/orders/{order_no}/payment"' in told
    assert f'href="/orders/{order_no}"' not in told


async def test_a_deposit_is_told_where_to_go_on_the_device_that_asked_for_it(
    shop: Shop, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    phone = new_buyer()
    await take_over(phone, await link_of(buyer, order_no), order_no)
    told = await text(await phone.pay(order_no, "VIRTUAL_ACCOUNT"))
    assert "입금 계좌" in told
    number = re.search(r"<dt>입금 계좌</dt><dd>\S+ (\w+)</dd>", told)
    assert number, told
    assert number[1] in await text(await buyer.visitor.get(f"/orders/{order_no}"))
    [attempt] = await attempts(shop, order_no)
    silent = await text(await new_buyer().visitor.get(f"/payments/toss/return/{attempt.payment_no}/status"))
    assert number[1] not in silent  # who has the attempt's number only is told nothing of it


async def test_the_link_leaves_no_trace_in_the_next_request(shop: Shop, buyer: Buyer) -> None:
    """No address in the Referer, no copy kept, no script but ours: Toss's is on a page without the link."""
    order_no = await buyer.order((await mug(shop.m), 1))
    answer = await buyer.visitor.get(f"/payments/handovers/{await hand_over(shop, order_no)}")
    assert answer.status_code == 200
    assert "handovers" not in re.sub(r'action="[^"]*"', "", await text(answer))  # its own form alone names it
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


async def test_an_order_that_ran_out_takes_its_link_along(
    shop: Shop, buyer: Buyer, new_buyer: NewBuyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    await make_older(shop, order_no, 31)
    dead = await hand_over(shop, order_no)
    answer = await new_buyer().visitor.get(f"/payments/handovers/{dead}")
    page = await text(answer)
    assert (answer.status_code, "더는 쓸 수 없는 링크입니다" in page) == (404, True)
    assert "새 링크를 받아 주십시오" in page


SPOILT = (
    "x", "{no}", "{no}..", "{no}.9999999999.{seal}", "{no}.{ends}.", "20260101-0000000.{ends}.{seal}",
    "{no}.{ends}.{seal}0", "{no}.{ends}.{seal}.1", "%00.{ends}.{seal}", "{no}.%D9%A3.{seal}",
)  # fmt: skip


async def test_a_forged_link_is_gone_like_any_other(shop: Shop, buyer: Buyer, new_buyer: NewBuyer) -> None:
    order_no, stranger = await buyer.order((await mug(shop.m), 1)), new_buyer().visitor
    no, ends, seal = (await hand_over(shop, order_no)).split(".")
    for spoilt in SPOILT:
        link = f"/payments/handovers/{spoilt.format(no=no, ends=ends, seal=seal)}"
        for answer in (await stranger.get(link), await stranger.post(link)):
            page = await text(answer)
            assert (answer.status_code, "더는 쓸 수 없는 링크입니다" in page) == (404, True), spoilt
            assert "payment_pass" not in str(answer.headers.getlist("Set-Cookie"))


def payment_pass(now: datetime = NOW, **changed: Any) -> tuple[str, datetime]:
    return access.issue_payment_pass(KEY, replace(order(), **changed), now)


def test_a_pass_ends_with_its_order_or_sooner() -> None:
    soon, late = NOW + timedelta(minutes=5), NOW + timedelta(days=3)
    assert payment_pass(expires_at=soon)[1] == soon
    given, ends_at = payment_pass(expires_at=late)
    assert ends_at == NOW + PAYMENT_PASS_LIFE
    shown, mine = Visitor("", "", given), order()
    assert access.may_pay(mine, shown, KEY, ends_at - timedelta(seconds=1))
    assert not access.may_pay(mine, shown, KEY, ends_at)
    assert not access.may_pay(mine, shown, "another key", NOW)
    assert not access.may_pay(mine, NOBODY, KEY, NOW)


def test_a_payment_pass_shows_no_order_and_is_for_one_order_only() -> None:
    given, _ = payment_pass(expires_at=NOW + timedelta(hours=1))
    assert not access.may_see(order(), Visitor("", given, given), KEY, NOW)
    assert not access.may_pay(order("20261123-BBBBBBB"), Visitor("", "", given), KEY, NOW)


def test_an_orders_own_pass_is_no_payment_pass_for_others_to_find() -> None:
    """Each seal says what it is for: a link that was made to pay cannot be turned into one that shows."""
    seeing = access.issue_pass(KEY, order().order_no, NOW)
    assert not access.may_pay(order(), Visitor("", "", seeing), KEY, NOW)
    assert access.may_pay(order(), Visitor("", seeing), KEY, NOW)  # who may see it may pay it
