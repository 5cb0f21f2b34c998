"""C: shoppers press twice, open two windows, come by the hundred, and sit in a train."""

import asyncio
import secrets
from collections import Counter
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from app.models import order_lines, orders, toss_payments, web_payments
from app.stock import service as stock
from tests.faultproxy import FaultProxy
from tests.faults.bed import Bed, Shopper
from tests.goods import change, mug
from tests.processes import Placed
from tests.village import settle

CONFIRM = b"/v1/payments/confirm"
CHECKING = "다시 결제하지 마시고"
PIECES = 10
BUYERS = 100
AT_ONCE = 8  # prepare their orders; they come back all together
PRESSES = 50
ONE_WAY_SECONDS = 0.15  # a tenth of what a round trip of 3 s needs


async def orders_for(bed: Bed, product_id: int) -> list[str]:
    """The states of all orders there are for a product."""
    query = select(orders.c.status).join(order_lines, order_lines.c.order_id == orders.c.order_id)
    async with bed.m.db.read() as tx:
        return list((await tx.execute(query.where(order_lines.c.product_id == product_id))).scalars())


async def ordered(bed: Bed, placed: Placed) -> dict[int, int]:
    """The lines of an order: product -> quantity."""
    query = select(order_lines.c.product_id, order_lines.c.quantity).join(orders)
    async with bed.m.db.read() as tx:
        rows = await tx.execute(query.where(orders.c.order_no == placed.order_no))
        return {row.product_id: row.quantity for row in rows}


async def receipts(bed: Bed, placed: Placed) -> int:
    """How many answers of Toss are kept for an attempt."""
    query = select(func.count()).select_from(toss_payments.join(web_payments))
    query = query.where(web_payments.c.payment_no == placed.payment_no)
    async with bed.m.db.read() as tx:
        return int((await tx.execute(query)).scalar_one())


async def restock(bed: Bed, product_id: int, quantity: int) -> None:
    """Put more of a sold-out product on the shelf."""
    async with bed.m.db.write() as tx:
        await stock.set_initial(tx, [(product_id, quantity)])
    await change(bed.m, product_id, quantity=quantity)


async def test_c1_a_double_click_and_twenty_returns_at_once(bed: Bed) -> None:
    """One order, one charge, one receipt; nobody is told anything else than that."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id, 2)
    form = await shopper.review()
    placing = await asyncio.gather(*(shopper.post("/checkout", **form) for _ in range(2)))
    [location] = {answer.headers["Location"] for answer in placing}
    placed = await shopper.payment(location)
    payment_key = await shopper.say_yes(bed.toss, placed)
    answers = await asyncio.gather(*(shopper.come_back(placed, payment_key) for _ in range(20)))
    for answer in answers:
        if answer.status_code == 200:
            assert CHECKING in answer.text
        else:
            assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{placed.order_no}")
    await bed.becomes(placed, "PAID")
    again = await shopper.come_back(placed, payment_key)
    assert again.headers["Location"] == f"/orders/{placed.order_no}"
    assert await orders_for(bed, product_id) == ["PAID"]
    assert await bed.toss.charges(placed.payment_no) == 1
    assert await receipts(bed, placed) == 1
    shopper.bought()
    await bed.assert_whole()


async def test_c2_two_windows(bed: Bed) -> None:
    """The same cart is the same order; a changed one replaces it, and the old window charges nothing.

    While the payment of one is under way, no other can be placed: the shopper is led to the first.
    """
    shopper, product_id, other = bed.shopper(), await mug(bed.m), await mug(bed.m)
    await shopper.put(product_id, 1)
    first, same = await shopper.place_order(), await shopper.place_order()
    assert first == same
    old_key = await shopper.say_yes(bed.toss, first)
    await shopper.set(product_id, 3)
    second = await shopper.place_order()
    assert await bed.order_status(first) == "SUPERSEDED"
    told = await shopper.come_back(first, old_key)
    assert told.status_code == 409
    assert "이 결제창은 이전 장바구니의 것입니다. 결제되지 않았습니다." in told.text
    assert await bed.toss.charges(first.payment_no) == 0
    payment_key = await shopper.say_yes(bed.toss, second)
    with bed.proxies.toss.breakpoint(CONFIRM) as stop:
        returning = asyncio.create_task(shopper.come_back(second, payment_key))
        await stop.hit()
        shopper.bought()
        await shopper.put(other, 1)
        refused = await shopper.post("/checkout", **await shopper.review())
        assert refused.status_code == 409
        assert f'href="/orders/{second.order_no}"' in refused.text
    await returning
    await bed.becomes(second, "PAID")
    assert sorted(await orders_for(bed, product_id)) == ["PAID", "SUPERSEDED"]
    assert await orders_for(bed, other) == []
    await bed.assert_whole()


async def come_back_until_told(shopper: Shopper, placed: Placed, payment_key: str) -> str:
    """Come back from Toss, and press reload as long as the shop is too busy, or not sure; return the page."""
    async with asyncio.timeout(120):
        while True:
            answer = await shopper.come_back(placed, payment_key)
            if answer.status_code == 303:
                return (await shopper.get(answer.headers["Location"])).text
            if answer.status_code < 500 and CHECKING not in answer.text:
                return answer.text
            await asyncio.sleep(0.2)


async def test_c3_a_hundred_buyers_for_ten_pieces(bed: Bed) -> None:
    """Ten are paid; ninety are told that it is sold out and nothing was charged, and keep their carts."""
    cup = await mug(bed.m, quantity=PIECES)
    gate = asyncio.Semaphore(AT_ONCE)

    async def prepare(shopper: Shopper) -> tuple[Placed, str]:
        async with gate:
            await shopper.put(cup)
            placed = await shopper.place_order()
            return placed, await shopper.say_yes(bed.toss, placed)

    buyers = [bed.shopper() for _ in range(BUYERS)]
    ready = await asyncio.gather(*(prepare(buyer) for buyer in buyers))
    told = await asyncio.gather(
        *(come_back_until_told(buyer, *order) for buyer, order in zip(buyers, ready, strict=True))
    )
    paid = [number for number, page in enumerate(told) if "결제 완료" in page]
    assert len(paid) == PIECES
    charges = (await bed.toss.ledger())["charges"]
    for number, (buyer, (placed, _)) in enumerate(zip(buyers, ready, strict=True)):
        assert charges.get(placed.payment_no, 0) == int(number in paid)
        if number in paid:
            buyer.bought()
        else:
            assert "품절" in told[number]
            assert "결제되지 않았습니다" in told[number]
            assert "품절된 상품입니다" in (await buyer.get("/cart")).text
    assert await bed.shelf(cup) == 0
    assert Counter(await orders_for(bed, cup)) == {"PAID": PIECES, "PENDING": BUYERS - PIECES}
    await restock(bed, cup, BUYERS)  # so that the carts show their quantities again
    await bed.assert_whole()


async def test_c4_the_cart_is_edited_during_the_payment(bed: Bed) -> None:
    """The order is the cart as it was ordered; what was changed or put in later is still there."""
    shopper = bed.shopper()
    kept, changed, later = [await mug(bed.m) for _ in range(3)]
    await shopper.put(kept, 2)
    await shopper.put(changed, 1)
    placed = await shopper.place_order()
    payment_key = await shopper.say_yes(bed.toss, placed)
    with bed.proxies.toss.breakpoint(CONFIRM) as stop:
        returning = asyncio.create_task(shopper.come_back(placed, payment_key))
        await stop.hit()
        await shopper.set(changed, 5)
        await shopper.put(later, 1)
    await returning
    await bed.becomes(placed, "PAID")
    assert await ordered(bed, placed) == {kept: 2, changed: 1}
    shopper.knows[kept] = 0
    await bed.assert_whole()


async def test_c5_the_network_is_bad(bed: Bed) -> None:
    """Answers that break off in the middle: pressing again under the same key does it once.

    The round trip is 0.3 s here instead of 3 s: what counts is that it is longer than a press.
    """
    product_id, other = await mug(bed.m), await mug(bed.m)
    door = urlsplit(bed.shop.url)
    assert door.hostname
    assert door.port
    with FaultProxy(door.hostname, door.port) as network:
        network.latency(ONE_WAY_SECONDS)
        shopper = bed.shopper(f"http://{network.address}")
        network.cut_reply(40, b"POST /cart/lines HTTP")
        await shopper.put(product_id, 2)
        network.cut_reply(200, b"POST /cart/lines HTTP")
        await shopper.put(other, 1)
        network.cut_reply(40, f"POST /cart/lines/{product_id} HTTP".encode())
        await shopper.set(product_id, 5)
        assert await shopper.cart() == {product_id: 5, other: 1}
        form = await shopper.review()
        network.cut_reply(40, b"POST /checkout HTTP")
        answer = await shopper.patiently("/checkout", **form)
        placed = await shopper.payment(answer.headers["Location"])
        payment_key = await shopper.say_yes(bed.toss, placed)
        network.cut_reply(40, b"GET /payments/toss/return/")
        with pytest.raises(httpx.TransportError):
            await shopper.come_back(placed, payment_key)
        again = await shopper.come_back(placed, payment_key)
        assert again.status_code in {200, 303}
        await bed.becomes(placed, "PAID")
        assert await orders_for(bed, product_id) == ["PAID"]
        network.heal()
        shopper.bought()
        await bed.assert_whole()


async def test_c6_a_guest_logs_in_twice_at_once(bed: Bed) -> None:
    """The guest's cart joins the member's once: the larger quantity of each, never the sum."""
    both, mine, guests = [await mug(bed.m) for _ in range(3)]
    person = await settle(bed.m, "twice", "김두번", "01012345678")
    login = {"signup_id": person.signup_id, "password": person.password}
    elsewhere = bed.shop.buyer()
    assert (await elsewhere.post("/login", **login)).status_code == 303
    elsewhere.token = ""  # the old one was bound to the cookies of before
    await elsewhere.add(both, 2)
    await elsewhere.add(mine, 1)
    shopper = bed.shopper()
    await shopper.put(both, 3)
    await shopper.put(guests, 4)
    answers = await asyncio.gather(*(shopper.post("/login", **login) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    shopper.token = ""
    shopper.knows = {both: 3, mine: 1, guests: 4}
    assert (await shopper.get("/account")).status_code == 200
    assert await shopper.cart() == await elsewhere.cart() == shopper.live
    await bed.assert_whole()
    assert await bed.written(both) == {person.owner: 3}


async def press(shopper: Shopper, url: str, **form: object) -> Counter[tuple[int, str]]:
    """Send one form many times at once; count the answers and where they lead."""
    answers = await asyncio.gather(*(shopper.post(url, **form) for _ in range(PRESSES)))
    return Counter((answer.status_code, answer.headers.get("Location", "")) for answer in answers)


async def test_c7_whatever_counts_once_is_pressed_fifty_times_at_once(bed: Bed) -> None:
    """One addition, one undoing, one order, one cancellation; the goods it held come back once."""
    shopper, product_id, other = bed.shopper(), await mug(bed.m), await mug(bed.m)
    await shopper.put(other, 2)
    added = await press(shopper, "/cart/lines", product_id=product_id, quantity=1, key=secrets.token_hex(16))
    assert added == {(303, "/cart"): PRESSES}
    shopper.knows[product_id] = 1
    await shopper.set(other, 0)
    undone = await press(shopper, "/cart/undo")
    assert undone == {(303, "/cart"): 1, (409, ""): PRESSES - 1}
    shopper.knows[other] = 2
    assert await shopper.cart() == shopper.live
    placing = await press(shopper, "/checkout", **await shopper.review())
    [location] = {where for status, where in placing if status == 303}
    assert {status for status, _ in placing} <= {303, 409, 503}
    assert await orders_for(bed, product_id) == ["PENDING"]
    placed = await shopper.payment(location)
    await shopper.pay(bed.toss, placed, "VIRTUAL_ACCOUNT")
    await bed.becomes(placed, "WAITING_FOR_DEPOSIT")
    assert await bed.shelf(other) == 98
    canceling = await press(shopper, f"/orders/{placed.order_no}/cancellation")
    assert {status for status, _ in canceling} <= {303, 409, 503}
    assert canceling[303, f"/orders/{placed.order_no}"] >= 1
    assert await bed.order_status(placed) == "CANCELED"
    assert [await bed.shelf(product_id), await bed.shelf(other)] == [100, 100]
    await bed.assert_whole()
