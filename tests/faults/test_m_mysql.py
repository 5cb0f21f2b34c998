"""M: MySQL dies, locks, fills up, takes no writes, crawls. No order is half, no won and no piece is lost."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Literal, cast

import httpx
import pymysql
import pytest
from pymysql.cursors import Cursor
from sqlalchemy import func, or_, select
from sqlalchemy.engine import make_url

from app.core.errors import UnavailableError
from app.models import order_lines, orders, web_payments
from sandbox.mariadb import MariaDB
from tests.faults.bed import Bed, Shopper
from tests.faults.pace import NOISE_SECONDS, assert_unhurt, pace
from tests.goods import mug
from tests.processes import RECIPIENT, Placed
from tests.shop import eventually
from tests.slowdisk import SlowDisk

Side = Literal["request", "reply"]

PRICE_OF_ONE = "15000"  # a mug and its delivery
OUTAGE_SECONDS = 12.0  # for an hour: carts stay in Redis meanwhile, and how many there are does not change
CLAIMED = b"INSERT INTO stock_movements"  # the last that TX1 says before its COMMIT
SETTLED = b"INSERT INTO toss_payments"  # TX2 has said that before its COMMIT
LOCK_WAITS = "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
STALE_SECONDS = 0.15  # InnoDB shows the same list again to whoever asks sooner
CROWD = 44  # more than both web processes have connections
PATIENCE_SECONDS = 30.0
SLOW_SECONDS = 40.0  # in which somebody can pay and order where every fsync takes half a second
ROOM_SECONDS = 90.0  # MariaDB looks once a minute whether there is room for its binary log again


def mariadb(bed: Bed) -> MariaDB:
    """The database server itself."""
    return cast("MariaDB", bed.stack.database)


@contextmanager
def rival(bed: Bed) -> Iterator[Cursor]:
    """Somebody else's transaction, past the proxies; rolled back at the end."""
    url = make_url(bed.stack.database_url)
    who = {"user": url.username, "password": url.password or ""}
    connection = pymysql.connect(host=url.host, port=url.port or 0, database=url.database, **who)
    with connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


async def lock_wait(bed: Bed, *, other_than: object = None) -> object:
    """Wait until a transaction waits for a lock, one that is not this one; return its number."""
    found: list[object] = []

    async def is_there() -> bool:
        await asyncio.sleep(STALE_SECONDS)
        found[:] = [row[0] for row in mariadb(bed).administer(LOCK_WAITS) if row[0] != other_than]
        return bool(found)

    await eventually(is_there, PATIENCE_SECONDS)
    return found[0]


async def prepare(bed: Bed, quantity: int = 2, goods: int = 1) -> tuple[Shopper, list[int], Placed, str]:
    """Somebody who has said yes in Toss's window, and is on the way back."""
    shopper, product_ids = bed.shopper(), [await mug(bed.m) for _ in range(goods)]
    for product_id in product_ids:
        await shopper.put(product_id, quantity)
    placed = await shopper.place_order()
    return shopper, product_ids, placed, await shopper.say_yes(bed.toss, placed)


async def assert_bought(bed: Bed, shopper: Shopper, product_ids: list[int], placed: Placed) -> None:
    """Two of a hundred of each, charged once."""
    await bed.becomes(placed, "PAID")
    shopper.bought()
    assert await bed.toss.charges(placed.payment_no) == 1
    assert [await bed.shelf(product_id) for product_id in product_ids] == [98] * len(product_ids)


@pytest.mark.parametrize(
    ("match", "side"),
    [(b"INSERT INTO carts", "request"), (b"COMMIT", "request"), (b"COMMIT", "reply")],
    ids=["between the statements", "before the commit", "after the commit"],
)
async def test_m1_mysql_is_killed_while_a_cart_is_written(bed: Bed, match: bytes, side: Side) -> None:
    """Whatever came of the transaction, the cart is written again; warm carts go on meanwhile."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    upsert = b"INSERT INTO cart_heads"
    with bed.proxies.database.breakpoint(match, after=upsert, side=side, of=bed.pids("worker")) as stop:
        await shopper.put(product_id)
        await stop.hit(PATIENCE_SECONDS)
        mariadb(bed).kill()
    await shopper.set(product_id, 4)
    mariadb(bed).start()
    await bed.assert_whole()


@pytest.mark.parametrize(
    ("after", "side"),
    [
        pytest.param(CLAIMED, "request", id="before TX1 is committed"),
        pytest.param(CLAIMED, "reply", id="after TX1 is committed", marks=pytest.mark.slow),
        pytest.param(SETTLED, "request", id="before TX2 is committed", marks=pytest.mark.slow),
        pytest.param(SETTLED, "reply", id="after TX2 is committed"),
    ],
)
async def test_m2_mysql_is_killed_at_a_commit_of_the_payment(bed: Bed, after: bytes, side: Side) -> None:
    """Nobody knows whether it was committed: it is read back, and the goods are paid once or not at all."""
    shopper, goods, placed, payment_key = await prepare(bed)
    commit = bed.proxies.database.breakpoint(b"COMMIT", after=after, side=side, of=bed.pids("web"))
    with commit as stop:
        coming_back = asyncio.create_task(shopper.come_back(placed, payment_key))
        await stop.hit(PATIENCE_SECONDS)
        mariadb(bed).kill()
    answer = await coming_back
    if answer.status_code != 303:  # that it was committed had been heard already: it is paid
        assert answer.status_code in {200, 503}, answer.text
        assert "다시 결제하지 마" in answer.text
    else:
        assert (after, side) == (SETTLED, "reply")
    mariadb(bed).start()
    await eventually(bed.is_ready, PATIENCE_SECONDS)
    if await bed.status(placed) == "PENDING":  # the claim was lost: the page that is loaded again makes it
        assert (after, side) == (CLAIMED, "request")
        await shopper.come_back(placed, payment_key)
    await assert_bought(bed, shopper, goods, placed)
    await bed.assert_whole()


@pytest.mark.slow
async def test_m3_mysql_is_down_for_an_hour(bed: Bed) -> None:
    """An hour, in twelve seconds: warm carts work, nobody sees the widget, payments end after it."""
    database = mariadb(bed)
    await live_through(bed, database.kill, database.start)


@pytest.mark.slow
async def test_m7_mysql_takes_no_writes(bed: Bed) -> None:
    """As when it is down: a replica that was promoted, or a disk that is watched."""
    database = mariadb(bed)
    await live_through(
        bed,
        lambda: database.administer("SET GLOBAL read_only = 1"),
        lambda: database.administer("SET GLOBAL read_only = 0"),
        seconds=3,
    )


async def live_through(
    bed: Bed, begin: Callable[[], object], end: Callable[[], object], seconds: float = OUTAGE_SECONDS
) -> None:
    """Let an outage come over four shoppers: one edits, one orders, one pays, one comes back from Toss."""
    editing, edited = bed.shopper(), await mug(bed.m)
    ordering, ordered = bed.shopper(), await mug(bed.m)
    await editing.put(edited)
    await ordering.put(ordered)
    paying, paid_goods, paid, paid_key = await prepare(bed)
    returning, returned_goods, returned, returned_key = await prepare(bed)
    await warm_up(bed, editing)
    before = await pace(editing, edited)
    await bed.toss.fault("slow", times=1, on="confirm", seconds=2, match={"orderId": paid.payment_no})
    under_way = asyncio.create_task(paying.come_back(paid, paid_key))
    await bed.becomes(paid, "CONFIRMING")
    begin()
    try:
        begun, during = time.monotonic(), await pace(editing, edited)
        ordered_form = {**RECIPIENT, "seen_total": PRICE_OF_ONE, "confirmed": "1"}
        refused = await ordering.post("/checkout", **ordered_form)
        assert refused.status_code == 503
        assert "Location" not in refused.headers
        unreached = await returning.come_back(returned, returned_key)
        assert (unreached.status_code, unreached.headers["Refresh"]) == (503, "3")
        assert (await under_way).status_code == 200  # it is being confirmed, whatever becomes of it
        while time.monotonic() < begun + seconds:
            during += await pace(editing, edited)
    finally:
        end()
    assert_unhurt(before, during)
    await eventually(bed.is_ready, PATIENCE_SECONDS)
    assert (await ordering.place_order()).amount == int(PRICE_OF_ONE)
    await returning.come_back(returned, returned_key)  # as its page does by itself
    await assert_bought(bed, returning, returned_goods, returned)
    await assert_bought(bed, paying, paid_goods, paid)
    await bed.assert_whole()


async def warm_up(bed: Bed, shopper: Shopper) -> None:
    """Show a cart so often that every web process has seen its goods."""

    async def look() -> None:
        async with httpx.AsyncClient(
            base_url=bed.shop.url, cookies=shopper.http.cookies, timeout=30, trust_env=False
        ) as http:
            assert (await http.get("/cart")).status_code == 200

    await asyncio.gather(*(look() for _ in range(20)))


async def test_m4_the_claim_is_given_up_in_a_deadlock(bed: Bed) -> None:
    """Error 1213: the whole transaction is run again, and holds everything once."""
    ballast = [await mug(bed.m) for _ in range(12)]  # whoever changed more is not the one that is given up
    shopper, (first, second), placed, payment_key = await prepare(bed, goods=2)
    with rival(bed) as other:
        changed = "UPDATE products SET version = version + 1 WHERE product_id IN %s"
        other.execute(changed, [[*ballast, second]])
        coming_back = asyncio.create_task(shopper.come_back(placed, payment_key))
        await lock_wait(bed)  # it has the first, and waits for the second
        await asyncio.to_thread(other.execute, changed, [[first]])  # takes the first away from it
        assert not coming_back.done()
    assert (await coming_back).status_code == 303
    await assert_bought(bed, shopper, [first, second], placed)
    await bed.assert_whole()


async def test_m4_a_lock_is_not_given_in_time(bed: Bed) -> None:
    """Error 1205: the whole transaction is run again, and holds everything once."""
    shopper, goods, placed, payment_key = await prepare(bed)
    with rival(bed) as other:
        other.execute("SELECT 1 FROM products WHERE product_id = %s FOR UPDATE", goods)
        coming_back = asyncio.create_task(shopper.come_back(placed, payment_key))
        given_up = await lock_wait(bed)
        await lock_wait(bed, other_than=given_up)
    assert (await coming_back).status_code == 303
    await assert_bought(bed, shopper, goods, placed)
    await bed.assert_whole()


async def test_m5_every_connection_is_taken(bed: Bed) -> None:
    """A crowd whose query hangs takes all connections: others are told so at once, and payments go on."""
    shopper, goods, placed, payment_key = await prepare(bed)
    with rival(bed) as other:
        other.execute("LOCK TABLES sessions WRITE")
        async with crowd(bed):
            await eventually(lambda: is_refused_in_time(bed), PATIENCE_SECONDS)
            begun = time.monotonic()
            answer = await shopper.come_back(placed, payment_key)
            assert (answer.status_code, await bed.status(placed)) == (303, "PAID"), answer.text
            assert time.monotonic() - begun < 2 + NOISE_SECONDS
            await eventually(lambda: is_refused_in_time(bed), PATIENCE_SECONDS)  # they are all still taken
        other.execute("UNLOCK TABLES")
    await assert_bought(bed, shopper, goods, placed)
    await bed.assert_whole()


@asynccontextmanager
async def crowd(bed: Bed) -> AsyncIterator[None]:
    """Browsers that say they are logged in, again and again: each look-up hangs on the locked table."""
    everybody = httpx.Limits(max_connections=None)

    async def come(http: httpx.AsyncClient) -> None:
        while True:
            answer = await http.get("/", headers={"Cookie": f"sid={secrets.token_urlsafe(32)}"})
            assert answer.status_code == 503
            await asyncio.sleep(0.1)

    async with (
        httpx.AsyncClient(base_url=bed.shop.url, timeout=30, trust_env=False, limits=everybody) as http,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(come(http)) for _ in range(CROWD)]
        yield
        for task in tasks:
            task.cancel()


async def is_refused_in_time(bed: Bed) -> bool:
    """Whether a shopper who needs the database is refused; never may that take long."""
    async with httpx.AsyncClient(base_url=bed.shop.url, timeout=30, trust_env=False) as http:
        begun = time.monotonic()  # making the client itself takes long enough to count
        # Goods that nobody has asked for: what was seen before is shown without the database.
        answer = await http.get(f"/products/{10**8 + secrets.randbelow(10**8)}")
        assert time.monotonic() - begun < 1 + NOISE_SECONDS
        return answer.status_code == 503


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> SlowDisk:
    return SlowDisk(tmp_path_factory.mktemp("disk"))


@pytest.mark.slow
async def test_m6_the_disk_of_mysql_is_full(bed: Bed, disk: SlowDisk) -> None:
    """Nobody is told that what was not written is written; an order is there whole, or not at all."""
    await put_on(bed, disk)
    editing, edited = bed.shopper(), await mug(bed.m)
    ordering, ordered = bed.shopper(), await mug(bed.m)
    await editing.put(edited)
    await ordering.put(ordered)
    returning, returned_goods, returned, returned_key = await prepare(bed)
    await warm_up(bed, editing)
    before = await pace(editing, edited)
    disk.fill()
    try:
        refused = await ordering.post("/checkout", **RECIPIENT, seen_total=PRICE_OF_ONE, confirmed="1")
        assert refused.status_code == 503
        during = await pace(editing, edited)
        assert (await returning.come_back(returned, returned_key)).status_code in {200, 503}
    finally:
        disk.heal()
    assert_unhurt(before, during)
    await eventually(lambda: takes_writes(bed), ROOM_SECONDS)
    await assert_no_half_order(bed)
    assert (await ordering.place_order()).amount == int(PRICE_OF_ONE)
    await returning.come_back(returned, returned_key)  # as its page does by itself
    await assert_bought(bed, returning, returned_goods, returned)
    await bed.assert_whole()


async def is_emptied(shopper: Shopper) -> bool:
    return await shopper.cart() == {}


@pytest.mark.slow
async def test_m8_every_fsync_of_mysql_takes_half_a_second(bed: Bed, disk: SlowDisk) -> None:
    """Everything takes longer: payments go through, and an order is at most once asked for again."""
    await put_on(bed, disk)
    buyers = [await prepare(bed) for _ in range(4)]

    async def buy(shopper: Shopper, goods: list[int], placed: Placed, payment_key: str) -> None:
        assert (await shopper.come_back(placed, payment_key)).status_code in {200, 303}
        await bed.becomes(placed, "PAID")
        shopper.bought()
        # What is put beside goods that are paid for, and still shown, is added to them.
        await eventually(partial(is_emptied, shopper), PATIENCE_SECONDS)
        refused: list[int] = []

        async def note(answer: httpx.Response) -> None:
            if answer.status_code == 503:
                refused.append(answer.status_code)

        shopper.http.event_hooks["response"].append(note)
        await shopper.put(goods[0])
        await shopper.place_order()
        assert len(refused) <= 1

    disk.fsync_takes(0.5)
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            await asyncio.gather(*(buy(*buyer) for buyer in buyers))
    finally:
        disk.heal()
    await bed.assert_whole()


async def put_on(bed: Bed, disk: SlowDisk) -> None:
    """Have the database on that disk, for as long as the bed stands; a healthy one is like any other."""
    if not disk.environment().items() <= mariadb(bed).env.items():
        disk.put_under(mariadb(bed))
        await eventually(bed.is_ready, PATIENCE_SECONDS)


async def takes_writes(bed: Bed) -> bool:
    """Whether the database commits again."""
    try:
        await mug(bed.m)
    except UnavailableError:
        return False
    return True


async def assert_no_half_order(bed: Bed) -> None:
    """Every order has all its lines, and an attempt to pay it."""
    ordered = select(func.sum(order_lines.c.quantity)).where(order_lines.c.order_id == orders.c.order_id)
    attempts = select(func.count()).where(web_payments.c.order_id == orders.c.order_id)
    half = or_(
        func.coalesce(ordered.scalar_subquery(), 0) != orders.c.total_quantity,
        attempts.scalar_subquery() == 0,
    )
    async with bed.m.db.read() as tx:
        assert (await tx.execute(select(orders.c.order_no).where(half))).all() == []


@pytest.mark.parametrize(
    ("match", "left"),
    [
        pytest.param(b"UPDATE products", "PENDING", id="TX1"),
        pytest.param(b"INSERT INTO toss_payments", "CONFIRMING", id="TX2", marks=pytest.mark.slow),
    ],
)
async def test_m9_a_connection_is_reset_within_a_transaction(bed: Bed, match: bytes, left: str) -> None:
    """It is rolled back, and run again: by the page that loads itself, or by the reconciliation."""
    shopper, goods, placed, payment_key = await prepare(bed)
    with bed.proxies.database.breakpoint(match, of=bed.pids("web")) as stop:
        coming_back = asyncio.create_task(shopper.come_back(placed, payment_key))
        await stop.hit(PATIENCE_SECONDS)
        bed.proxies.database.reset_all()
    answer = await coming_back
    assert await bed.status(placed) == left
    if left == "PENDING":
        assert (answer.status_code, answer.headers["Refresh"]) == (503, "3")
        await shopper.come_back(placed, payment_key)
    await assert_bought(bed, shopper, goods, placed)
    await bed.assert_whole()


async def test_m9_a_connection_is_reset_while_a_cart_is_written(bed: Bed) -> None:
    """The worker holds the message, and writes the cart again."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    with bed.proxies.database.breakpoint(b"INSERT INTO carts", of=bed.pids("worker")) as stop:
        await shopper.put(product_id, 3)
        await stop.hit(PATIENCE_SECONDS)
        bed.proxies.database.reset_all()
    await bed.assert_whole()
