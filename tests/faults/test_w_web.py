"""W: the web processes die, hang, restart and are cut off."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Literal

import httpx
import pytest

from app.cart.hot import HotCarts
from sandbox import children
from tests.faults import instants
from tests.faults.bed import Bed, Shopper
from tests.goods import mug
from tests.processes import Placed
from tests.shop import eventually
from tests.stack import ROOT

Side = Literal["request", "reply"]

DRAIN_SECONDS = 15.0  # the default of the setting


@pytest.mark.parametrize("side", ["request", "reply"])
async def test_w1_web_is_killed_around_the_edit(bed: Bed, side: Side) -> None:
    """Before the script reached Redis, or after it ran: the shopper sees an error, and may press again."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id, 1)
    with bed.proxies.redis.breakpoint(b"EVALSHA", side=side, of=bed.pids("web")) as stop:
        editing = asyncio.create_task(shopper.post(f"/cart/lines/{product_id}", quantity=3))
        await stop.hit()
        before = bed.shop.pids("web")
        bed.shop.kill("web")
    with pytest.raises(httpx.TransportError):
        await editing
    await bed.restarted("web", before)
    await shopper.set(product_id, 3)
    await bed.assert_whole()


async def test_w2_web_is_killed_between_the_edit_and_its_message(bed: Bed) -> None:
    """Acknowledged, and in Redis alone: the sweeper writes the cart within 4 s."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    with bed.proxies.amqp.breakpoint(instants.PUBLISH_CART, of=bed.pids("web")) as stop:
        await shopper.put(product_id, 2)
        await stop.hit()
        bed.shop.kill("web")
    await bed.persists(product_id, 2, within=4)
    await bed.assert_whole()


async def prepare(bed: Bed, quantity: int = 2) -> tuple[Shopper, int, Placed, str]:
    """Somebody who has said yes in Toss's window, and is on the way back."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id, quantity)
    placed = await shopper.place_order()
    return shopper, product_id, placed, await shopper.say_yes(bed.toss, placed)


async def kill_web_around_the_charge(bed: Bed, side: Side, charges: int) -> None:
    """End the web process that confirms; whatever Toss knows of it, the order is paid once, within 60 s."""
    shopper, product_id, placed, payment_key = await prepare(bed)
    with bed.proxies.toss.breakpoint(instants.CONFIRM, side=side, of=bed.pids("web")) as stop:
        returning = asyncio.create_task(shopper.come_back(placed, payment_key))
        await stop.hit()
        bed.shop.kill("web")
    with pytest.raises(httpx.TransportError):
        await returning
    assert await bed.status(placed) == "CONFIRMING"
    assert await bed.shelf(product_id) == 98
    assert await bed.toss.charges(placed.payment_no) == charges
    await bed.becomes(placed, "PAID", within=60)
    shopper.bought()
    await bed.assert_whole()
    assert await bed.toss.charges(placed.payment_no) == 1
    assert await bed.shelf(product_id) == 98


@pytest.mark.slow
async def test_w3_web_is_killed_between_the_hold_and_the_charge(bed: Bed) -> None:
    """The goods are held, Toss was never asked: the reconciliation asks."""
    await kill_web_around_the_charge(bed, "request", 0)


async def test_w4_web_is_killed_between_the_charge_and_the_receipt(bed: Bed) -> None:
    """Toss has charged and nobody has written it down: the reconciliation finds it, and charges nothing."""
    await kill_web_around_the_charge(bed, "reply", 1)


async def test_w5_web_is_killed_between_the_receipt_and_the_emptying(bed: Bed) -> None:
    """The order is paid, the hot cart still shows it: empty 2 s after there is a worker, and for good."""
    shopper, product_id, placed, payment_key = await prepare(bed)
    await bed.persists(product_id, 2)
    [owner] = await bed.written(product_id)
    hot = bed.m.keep(HotCarts)
    bed.signal("worker", signal.SIGSTOP)
    clearing = instants.script(bed.m, "clear")
    with bed.proxies.redis.breakpoint(clearing, of=bed.pids("web")) as stop:
        returning = asyncio.create_task(shopper.come_back(placed, payment_key))
        await stop.hit()
        assert await bed.status(placed) == "PAID"
        bed.shop.kill("web")
    with pytest.raises(httpx.TransportError):
        await returning
    shopper.bought()
    assert (await hot.snapshot(owner)).live != ()
    bed.signal("worker", signal.SIGCONT)

    async def is_empty() -> bool:
        return (await hot.snapshot(owner)).live == ()

    await eventually(is_empty, 2)
    await bed.assert_whole()
    assert await bed.written(product_id) == {}


async def hang_up(shopper: Shopper, path: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Ask for a page as this shopper; close, once ``meanwhile`` is over; see that no answer came."""
    reader, writer = await asyncio.open_connection(shopper.http.base_url.host, shopper.http.base_url.port)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in shopper.http.cookies.jar)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode())
    await meanwhile()
    writer.write_eof()
    assert await reader.read() == b""  # the server has hung up too
    writer.close()


async def test_w6_the_client_disconnects_during_the_confirmation(bed: Bed) -> None:
    """The order is completed by the process that began it, long before the reconciliation would ask."""
    shopper, product_id, placed, payment_key = await prepare(bed)
    query = f"paymentType=NORMAL&orderId={placed.payment_no}&paymentKey={payment_key}&amount={placed.amount}"
    with bed.proxies.toss.breakpoint(instants.CONFIRM, of=bed.pids("web")) as stop:
        await hang_up(shopper, f"/payments/toss/return/{placed.payment_no}?{query}", stop.hit)
        assert await bed.status(placed) == "CONFIRMING"
    await bed.becomes(placed, "PAID", within=5)
    shopper.bought()
    await bed.assert_whole()
    assert await bed.shelf(product_id) == 98


@pytest.mark.parametrize("side", ["request", "reply"])
async def test_w7_the_client_disconnects_during_a_query(bed: Bed, side: Side) -> None:
    """Its answer is nobody else's: everyone who comes after on the same pool sees his own order."""
    product_id = await mug(bed.m)
    shoppers = [bed.shopper() for _ in range(4)]
    for shopper in shoppers:
        await shopper.put(product_id)
    numbers = [(await shopper.place_order()).order_no for shopper in shoppers]
    for _ in range(3):
        with bed.proxies.database.breakpoint(b"FROM orders", side=side, of=bed.pids("web")) as stop:
            await hang_up(shoppers[0], f"/orders/{numbers[0]}", stop.hit)
        asked = list(zip(shoppers[1:], numbers[1:], strict=True)) * 12
        answers = await asyncio.gather(*(shopper.get(f"/orders/{number}") for shopper, number in asked))
        for (_, number), answer in zip(asked, answers, strict=True):
            assert answer.status_code == 200
            assert {each for each in numbers if each in answer.text} == {number}
    await bed.assert_whole()


@pytest.mark.slow
async def test_w8_web_stands_still_and_goes_on(bed: Bed) -> None:
    """It knows what it was about to do, and others have done it meanwhile: nothing is done twice.

    The 30 s are as long as the reconciliation takes to finish what the web process had begun.
    """
    buyer, product_id, placed, payment_key = await prepare(bed)
    other = bed.shopper()
    await other.put(product_id)
    with bed.proxies.toss.breakpoint(instants.CONFIRM, side="reply", of=bed.pids("web")) as stop:
        returning = asyncio.create_task(buyer.come_back(placed, payment_key))
        await stop.hit()
        bed.signal("web", signal.SIGSTOP)
    adding = {"product_id": product_id, "quantity": 1, "key": secrets.token_hex(16)}
    impatient = asyncio.create_task(other.post("/cart/lines", **adding))
    with pytest.raises(httpx.TimeoutException):
        await other.http.get("/livez", timeout=1)
    impatient.cancel()
    await bed.becomes(placed, "PAID")
    bed.signal("web", signal.SIGCONT)
    await eventually(bed.is_ready, 5)
    assert (await other.patiently("/cart/lines", **adding)).status_code == 303
    other.knows[product_id] += 1
    assert (await returning).status_code < 500
    buyer.bought()
    await bed.assert_whole()
    assert await bed.toss.charges(placed.payment_no) == 1
    assert await bed.shelf(product_id) == 98


async def edit_until(stopping: asyncio.Event, shopper: Shopper, product_id: int) -> None:
    """Go on editing a cart; what fails is sent again."""
    while not stopping.is_set():
        await shopper.set(product_id, secrets.randbelow(9) + 1)


async def buy_until(stopping: asyncio.Event, bed: Bed, product_id: int) -> list[tuple[Placed, int]]:
    """Go on buying; return each order with what its shopper saw, 0 being a broken connection."""
    seen = []
    while not stopping.is_set():
        shopper = bed.shopper(keep_alive=False)
        await shopper.put(product_id)
        placed = await shopper.place_order()
        payment_key = await shopper.say_yes(bed.toss, placed)
        status = 0
        with suppress(httpx.TransportError):
            status = (await shopper.come_back(placed, payment_key)).status_code
        shopper.bought()
        seen.append((placed, status))
    return seen


async def test_w9_web_processes_are_replaced_under_load(bed: Bed) -> None:
    """One after the other, as an upgrade does it: no payment fails, and each is gone within its time."""
    product_id, stopping = await mug(bed.m, quantity=10_000), asyncio.Event()
    editors = [bed.shopper(keep_alive=False) for _ in range(4)]
    for shopper in editors:
        await shopper.put(product_id)
    editing = asyncio.gather(*(edit_until(stopping, shopper, product_id) for shopper in editors))
    buying = asyncio.gather(*(buy_until(stopping, bed, product_id) for _ in range(3)))
    await asyncio.sleep(1)  # under load
    for pid in bed.shop.pids("web"):
        os.kill(pid, signal.SIGTERM)
        await eventually(partial(is_replaced, bed, pid), DRAIN_SECONDS)
    await asyncio.sleep(1)  # with the new ones
    stopping.set()
    await editing
    seen = [each for bought in await buying for each in bought]
    assert Counter(status for _, status in seen) == {303: len(seen)}
    for placed, _ in seen:
        assert await bed.status(placed) == "PAID"
    await bed.assert_whole()


async def is_replaced(bed: Bed, pid: int) -> bool:
    """Whether this web process is gone, and another there instead."""
    pids = bed.shop.pids("web")
    return pid not in pids and len(pids) == 2


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[list[bytes]]:
    """Note every command that this Redis runs, in its order."""
    address = httpx.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    commands: list[bytes] = []

    async def note() -> None:
        async for line in reader:
            commands.append(line)  # noqa: PERF401 - what was noted is read while more comes

    writer.write(b"MONITOR\r\n")
    await reader.readline()
    noting = asyncio.create_task(note())
    try:
        yield commands
    finally:
        noting.cancel()
        writer.close()


async def test_w10_two_web_processes_edit_one_cart_at_once(bed: Bed) -> None:
    """200 edits of ten lines: each line is as the last script left it that Redis ran, and none is lost."""
    shopper = bed.shopper()
    goods = [await mug(bed.m) for _ in range(10)]
    for product_id in goods:
        await shopper.put(product_id)
    async with watched(bed.stack.redis_url) as commands:
        answers = await asyncio.gather(
            *(shopper.patiently(f"/cart/lines/{goods[n % 10]}", quantity=n % 90 + 1) for n in range(200))
        )
        await shopper.cart()
    assert [answer.status_code for answer in answers] == [303] * 200
    done = re.findall(rb'"set" "(\d+)" "(\d+)"', b"".join(commands))
    assert len(done) >= 200
    shopper.knows = {int(product): int(quantity) for product, quantity in done}
    assert set(shopper.knows) == set(goods)
    await bed.assert_whole()


async def test_w11_web_starts_without_its_machines_and_finds_them_later(bed: Bed) -> None:
    """It opens, says what is away and never answers 500; when the machines come, it takes orders."""
    bed.shop.process.terminate()
    bed.shop.process.wait(30)
    machines = (bed.proxies.redis, bed.proxies.amqp, bed.proxies.database)
    for machine in machines:
        machine.refuse()
    bed.shop.launch()
    shopper = bed.shopper()
    async with httpx.AsyncClient(base_url=bed.shop.url, timeout=30, trust_env=False) as http:

        async def lives() -> bool:
            with suppress(httpx.TransportError):
                return (await http.get("/livez")).status_code == 200
            return False

        await eventually(lives, 60)
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"database": "away", "redis": "away", "amqp": "away"}
        assert (await http.get("/")).status_code == 503
        for machine in machines:
            machine.heal()

        async def found_all() -> bool:
            return set((await http.get("/readyz")).json().values()) == {"ok"}

        await eventually(found_all, 15)
    product_id = await mug(bed.m)
    await shopper.put(product_id, 2)
    await bed.persists(product_id, 2)
    await shopper.pay(bed.toss, await shopper.place_order())
    shopper.bought()
    await bed.assert_whole()


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [("appendfsync", "everysec", "always"), ("maxmemory-policy", "allkeys-lru", "noeviction")],
)
async def test_w12_web_does_not_open_on_a_redis_that_forgets(
    bed: Bed, name: str, value: str, right: str
) -> None:
    """It says what is wrong and how to change it; nothing listens."""
    await bed.m.redis.command("CONFIG", "SET", name, value)
    bind = f"{children.LOOPBACK}:{children.free_port()}"
    refused = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app", "serve"],
        env=bed.shop.environment | {"BIND": bind},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    await bed.m.redis.command("CONFIG", "SET", name, right)
    assert refused.returncode == 1
    assert f"Redis has {name} = {value}" in refused.stderr
    assert f"CONFIG SET {name} {right}" in refused.stderr
    assert "Traceback" not in refused.stderr
    await bed.assert_whole()
