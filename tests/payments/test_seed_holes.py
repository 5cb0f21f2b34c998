"""The holes of the shop this one grew from: each is named, and tried through the doors."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

from quart import Response
from sqlalchemy import func, select

from app.infra import keys
from app.models import carts, stock_movements, toss_payments, users
from app.payments import service as payments
from tests.buyer import ADDRESS, Buyer, assert_books, attempts, back, left, make_older, order_row, states
from tests.goods import mug
from tests.shop import FORM, Shop, eventually
from tests.stack import ROOT
from tests.toss_stand import Stand
from tests.village import enter, jun, minji, typed, unheard_of_id

SECRETS = re.compile(
    rb"(?:live|test)_g?sk_(?!docs_)\w{16}|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_\w{20}"
)


async def text(answer: Response) -> str:
    return await answer.get_data(as_text=True)


async def test_nobody_gets_in_without_the_password_while_somebody_is_logged_in(shop: Shop) -> None:
    """A flag in Redis, set by the first log-in, let everybody in who knew the id, for as long as it lived."""
    person = await minji(shop.m)
    here = await enter(shop, person)
    tries: tuple[dict[str, Any], ...] = ({"password": ""}, {"password": "x"}, {})
    for sent in tries:
        stranger = shop.visitor()
        answer = await stranger.post("/login", signup_id=person.signup_id, **sent)
        assert answer.status_code == 422
        assert (await stranger.get("/account")).headers["Location"].startswith("/login")
    assert (await here.get("/account")).status_code == 200


async def test_nobody_reads_or_empties_a_cart_by_naming_whose_it_is(shop: Shop) -> None:
    """The id of the cart's owner came from the browser."""
    person, product = await minji(shop.m), await mug(shop.m, name="민지의 머그")
    here, stranger = await enter(shop, person), await enter(shop, await jun(shop.m))
    await here.post("/cart/lines", product_id=product, quantity=3, key="")
    names: dict[str, Any] = {"user_id": person.user_id, "signup_id": person.signup_id, "owner": person.owner}
    query = "&".join(f"{name}={value}" for name, value in names.items())
    assert "민지의 머그" not in await text(await stranger.get(f"/cart?{query}"))
    for door in (f"/cart/lines/{product}", f"/cart/lines/{product}/removal", "/cart/undo"):
        await stranger.post(f"{door}?{query}", quantity=0, **names)
    assert 'value="3"' in await text(await here.get("/cart"))


async def test_what_is_shown_is_what_is_charged(
    shop: Shop, stand: Stand, new_buyer: Callable[[], Buyer]
) -> None:
    """Nine payments of ten charged 5,000 won less than was shown: the amount came from the browser."""
    for price in (5_000, 7_300, 12_000, 49_000, 58_000):
        buyer = new_buyer()
        await buyer.put(await mug(shop.m, price=price), 1)
        shown = int(await buyer.seen_total())
        order_no = await buyer.check_out(total_price=str(shown - 5_000), amount=str(shown - 5_000))
        [attempt] = await attempts(shop, order_no)
        key, _ = await stand.approve(shown - 5_000, orderId=attempt.payment_no)
        assert (await buyer.come_back(back(attempt.payment_no, key, shown - 5_000))).status_code == 422
        assert await stand.charges(attempt.payment_no) == 0
        await buyer.pay(order_no)
        kept = (await stand.ledger())["kept"][attempt.payment_no]
        assert kept == shown == (await order_row(shop, order_no)).total_price
        assert f"{shown:,}원" in await text(await buyer.visitor.get(f"/orders/{order_no}/receipt"))


async def test_nobody_makes_themselves_an_operator(shop: Shop) -> None:
    """Whatever the sign-up form sent was written into the row."""
    signup_id = unheard_of_id("eve")
    visitor = shop.visitor()
    form = typed(signup_id=signup_id, role="operator", user_id=1, created_at="2020-01-01")
    answer = await visitor.post("/signup", **form)
    assert answer.status_code == 303
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(users).where(users.c.signup_id == signup_id))).one()
    assert row.role == "shopper"
    assert row.created_at.year > 2020
    assert (await visitor.get("/admin/payments")).status_code == 404


async def test_another_site_sends_nothing_in_a_shopper_s_name(shop: Shop) -> None:
    """No form had a token, and cookies went along from anywhere."""
    here, product = await enter(shop, await minji(shop.m)), await mug(shop.m)
    await here.post("/cart/lines", product_id=product, quantity=2, key="")
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for door in ("/logout", f"/cart/lines/{product}/removal", "/checkout", "/account/password"):
        for headers in (FORM, {**FORM, **elsewhere}):
            assert (await here.client.post(door, data=b"quantity=1", headers=headers)).status_code == 403
    assert 'value="2"' in await text(await here.get("/cart"))


def test_no_secret_is_in_the_repository() -> None:
    """Passwords and Toss keys were. What is left are the keys that Toss prints in its documentation."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    assert len(files) > 300
    assert [
        file.name for file in files if re.fullmatch(r"\.env(?!\.example).*|.*\.(pem|key|p12)", file.name)
    ] == []
    found = [(file, SECRETS.search(file.read_bytes())) for file in files if file.is_file()]
    assert [(file.name, hit[0][:12]) for file, hit in found if hit] == []


async def test_a_refusal_of_toss_is_never_a_payment(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """Error answers were stored as successful payments: only the HTTP call's own success was looked at."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("reject")
    page = await text(await buyer.pay(order_no))
    assert "결제되지 않았습니다" in page
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    [failed, _] = await attempts(shop, order_no)
    async with shop.m.db.read() as tx:
        rows = select(func.count()).where(toss_payments.c.web_payment_id == failed.web_payment_id)
        assert (await tx.execute(rows)).scalar_one() == 0
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)


async def test_a_payment_is_written_down_though_redis_has_forgotten_the_shopper(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    """The order was a Redis key: once it had lapsed, the card was charged, and then came a 500."""
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await shop.m.redis.command("DEL", keys.cart((await order_row(shop, order_no)).owner))
    answer = await buyer.come_back(url)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{order_no}")
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_a_paid_cart_does_not_come_back(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """It was emptied in one store, and read again from the other."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await buyer.pay(order_no)
    for _ in range(2):
        assert f"cart-line-{cup}" not in await text(await buyer.visitor.get("/cart"))
        await shop.m.redis.command("DEL", keys.cart((await order_row(shop, order_no)).owner))
    await assert_books(shop, stand, order_no)


async def test_stock_falls_once_however_often_the_page_is_refreshed(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    """Each visit to the success page took the goods off the shelf again, and confirmed again."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 2))
    url = await buyer.authenticate(order_no)
    for _ in range(4):
        await buyer.come_back(url)
    [attempt] = await attempts(shop, order_no)
    async with shop.m.db.read() as tx:
        moved = select(stock_movements.c.delta).where(
            stock_movements.c.web_payment_id == attempt.web_payment_id
        )
        assert (await tx.execute(moved)).scalars().all() == [-2]
    assert await left(shop, [cup]) == [98]
    assert await stand.charges(attempt.payment_no) == 1
    await assert_books(shop, stand, order_no)


async def test_a_message_that_was_taken_is_acted_upon(shop: Shop, buyer: Buyer) -> None:
    """The listener acknowledged every message and threw it away: no cart ever reached the database."""
    cup = await mug(shop.m)
    await buyer.put(cup, 3)

    async def is_written() -> bool:
        async with shop.m.db.read() as tx:
            rows = select(carts.c.quantity).where(carts.c.product_id == cup)
            return (await tx.execute(rows)).scalars().all() == [3]

    await eventually(is_written, 30)


async def test_a_confirmation_that_comes_too_late_charges_nobody(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    """Orders had no end: a window left open overnight was confirmed at yesterday's price."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    await make_older(shop, order_no, 31)
    await payments.reconcile_due(shop.m)
    assert (await buyer.come_back(url)).status_code == 409
    [attempt] = await attempts(shop, order_no)
    assert await stand.charges(attempt.payment_no) == 0
    assert await left(shop, [cup]) == [100]


async def test_a_step_cannot_be_skipped(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """The success page believed whoever came: without a checkout, without a review, without a window."""
    cup = await mug(shop.m)
    key, number = await stand.approve(15_000)
    assert (await buyer.come_back(back(number, key, 15_000))).status_code == 404  # no order of ours
    await buyer.put(cup, 1)
    unseen = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1")
    assert 'name="seen_total"' in await text(unseen)  # the review first
    assert (await buyer.visitor.get("/orders")).status_code == 200
    order_no = await buyer.check_out()
    [attempt] = await attempts(shop, order_no)
    unpaid, _ = await stand.open(15_000, orderId=attempt.payment_no)  # the window was never answered
    await buyer.come_back(back(attempt.payment_no, unpaid, 15_000))
    assert (await order_row(shop, order_no)).status == "PENDING"
    assert await stand.charges(attempt.payment_no) == 0
