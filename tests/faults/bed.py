"""The bed of the fault matrix: real servers behind fault proxies, a shop of real processes, and a witness."""

import asyncio
import os
import re
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import httpx
from aio_pika.exceptions import AMQPError
from sqlalchemy import func, select

from app.infra import keys
from app.machines import Machines, build_machines
from app.models import carts, orders, outbox, products, web_payments
from app.stock import service as stock
from sandbox.toss.config import Config
from tasks.registry import LISTENERS
from tests.processes import Buyer, Placed, RunningShop, quantities, serving
from tests.shop import eventually, settings_for
from tests.stack import Proxies, Stack, proxy_of, real, through
from tests.toss_stand import Stand

REST_SECONDS = 60.0  # within which everything that is under way must have ended
WEB_WORKERS = 2
HOLDING_MONEY = {"PAID", "PARTIAL_CANCELED", "REVIEW"}
UNDECIDED = {"CONFIRMING"}
NO_TLS = ssl.create_default_context()  # one for all clients: each would take 20 ms to read the authorities
UNAVAILABLE = 503


class Shopper(Buyer):
    """A browser without scripts, and a memory: what was acknowledged, and what was answered."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self.knows: dict[int, int] = {}  # product -> quantity, as acknowledged
        self.strange: list[str] = []  # answers no shopper may ever see
        http.event_hooks["response"] = [self._look_at]

    async def put(self, product_id: int, quantity: int = 1) -> None:
        """Put goods into the cart, again under the same key until that is acknowledged."""
        await self.add(product_id, quantity)
        self.knows[product_id] = self.knows.get(product_id, 0) + quantity

    async def set(self, product_id: int, quantity: int) -> None:
        """Set a line to a quantity, again until that is acknowledged; 0 removes it."""
        answer = await self.patiently(f"/cart/lines/{product_id}", quantity=quantity)
        assert answer.status_code == 303, answer.text
        self.knows[product_id] = quantity

    async def pay(self, toss: Stand, placed: Placed, method: str = "CARD") -> httpx.Response:
        """Say yes in Toss's window, and come back."""
        return await self.come_back(placed, await self.say_yes(toss, placed, method))

    async def say_yes(self, toss: Stand, placed: Placed, method: str = "CARD") -> str:
        """Say yes in Toss's window; return the payment key."""
        payment_key, _ = await toss.approve(placed.amount, method, orderId=placed.payment_no)
        return payment_key

    async def cart(self) -> dict[int, int]:
        """What the cart page shows; asked again while it cannot be shown."""
        async with asyncio.timeout(REST_SECONDS):
            while True:
                with suppress(httpx.TransportError):
                    page = await self.get("/cart")
                    if page.status_code != UNAVAILABLE:
                        return quantities(page.text)
                await asyncio.sleep(0.1)

    def bought(self) -> None:
        """Remember that what was in the cart is paid for."""
        self.knows.clear()

    @property
    def live(self) -> dict[int, int]:
        """What the cart must hold."""
        return {product: quantity for product, quantity in self.knows.items() if quantity}

    async def _look_at(self, answer: httpx.Response) -> None:
        await answer.aread()
        if answer.status_code == 500 or "Traceback" in answer.text:
            self.strange.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")


@dataclass(slots=True)
class Bed:
    """Everything a cell needs."""

    stack: Stack
    shop: RunningShop
    m: Machines  # past the proxies: to put goods on the shelf and to read the books
    toss: Stand
    proxies: Proxies
    folder: Path
    shoppers: list[Shopper] = field(default_factory=list)
    is_judged: bool = False

    def shopper(self, *, keep_alive: bool = True) -> Shopper:
        """Return somebody with an empty cart, whose memory the invariants are held against."""
        limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
        shopper = Shopper(
            httpx.AsyncClient(
                base_url=self.shop.url, timeout=30, trust_env=False, verify=NO_TLS, limits=limits
            )
        )
        self.shop.buyers.append(shopper)
        self.shoppers.append(shopper)
        return shopper

    def pids(self, name: str) -> Callable[[], Collection[int]]:
        """Return a question for the processes of a kind, as breakpoints ask it."""
        return lambda: self.shop.pids(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to all processes of a kind."""
        for pid in self.shop.pids(name):
            os.kill(pid, number)

    async def restarted(self, name: str, before: Collection[int]) -> None:
        """Wait until other processes of a kind than these run, and the shop answers."""

        async def are_new() -> bool:
            now = set(self.shop.pids(name))
            return bool(now) and not now & set(before) and await self.is_ready()

        await eventually(are_new, REST_SECONDS)

    async def is_ready(self) -> bool:
        """Whether the shop says that it can take orders."""
        async with httpx.AsyncClient(base_url=self.shop.url, timeout=3, trust_env=False) as http:
            with suppress(httpx.HTTPError):
                return (await http.get("/readyz")).status_code == 200
        return False

    async def is_connected(self) -> bool:
        """Whether every process has found the broker again, and every queue its listener."""
        try:
            async with await aio_pika.connect(self.stack.amqp_url, timeout=5) as connection:
                for listener in LISTENERS:
                    async with connection.channel() as channel:
                        queue = await channel.declare_queue(listener.queue.name, passive=True)
                        if not queue.declaration_result.consumer_count:
                            return False
        except (AMQPError, OSError):
            return False
        connected = set().union(*(each.pids() for each in set(self.proxies.amqp.connections)))
        if not connected >= {*self.shop.pids("web"), *self.shop.pids("worker")}:
            return False
        answers = await asyncio.gather(*(self._broker_as_seen() for _ in range(WEB_WORKERS * 3)))
        return set(answers) == {"ok"}

    async def _broker_as_seen(self) -> str:
        """Ask one of the web processes, by chance, whether it has the broker."""
        async with httpx.AsyncClient(base_url=self.shop.url, timeout=3, trust_env=False) as http:
            with suppress(httpx.HTTPError):
                return str((await http.get("/readyz")).json()["amqp"])
        return "silent"

    async def status(self, placed: Placed) -> str:
        """Return the state of an attempt, as the database has it."""
        query = select(web_payments.c.payment_status).where(web_payments.c.payment_no == placed.payment_no)
        async with self.m.db.read() as tx:
            return str((await tx.execute(query)).scalar_one())

    async def becomes(self, placed: Placed, status: str, within: float = REST_SECONDS) -> None:
        """Wait until an attempt is in that state."""

        async def is_there() -> bool:
            with suppress(Exception):  # the database may be away
                return await self.status(placed) == status
            return False

        try:
            await eventually(is_there, within)
        except TimeoutError:
            raise AssertionError(f"{await self.status(placed)}, not {status}, after {within} s") from None

    async def order_status(self, placed: Placed) -> str:
        """Return the state of an order, as the database has it."""
        query = select(orders.c.status).where(orders.c.order_no == placed.order_no)
        async with self.m.db.read() as tx:
            return str((await tx.execute(query)).scalar_one())

    async def shelf(self, product_id: int) -> int:
        """Return how many pieces the shelf says there are."""
        query = select(products.c.quantity).where(products.c.product_id == product_id)
        async with self.m.db.read() as tx:
            return int((await tx.execute(query)).scalar_one())

    async def written(self, product_id: int) -> dict[str, int]:
        """Return the lines of a product in the database's carts: owner -> quantity."""
        query = select(carts.c.owner, carts.c.quantity).where(
            carts.c.product_id == product_id, carts.c.quantity > 0
        )
        async with self.m.db.read() as tx:
            return {row.owner: row.quantity for row in await tx.execute(query)}

    async def persists(self, product_id: int, *quantities: int, within: float = REST_SECONDS) -> None:
        """Wait until the lines of a product in the database's carts have just these quantities."""
        written: dict[str, int] = {}

        async def are_there() -> bool:
            with suppress(Exception):  # the database may be away
                written.clear()
                written.update(await self.written(product_id))
            return sorted(written.values()) == sorted(quantities)

        try:
            await eventually(are_there, within)
        except TimeoutError:
            raise AssertionError(f"{written}, not {quantities}, after {within} s") from None

    async def metric(self, name: str, **labels: str) -> float:
        """Return a counter of the shop, all its processes together."""
        async with httpx.AsyncClient(base_url=self.shop.url, timeout=10, trust_env=False) as http:
            text = (await http.get("/metrics")).text
        total = 0.0
        for found in re.finditer(rf"^{name}(?:{{(.*?)}})? (\S+)$", text, re.MULTILINE):
            if all(f'{label}="{value}"' in (found[1] or "") for label, value in labels.items()):
                total += float(found[2])
        return total

    async def mend(self) -> None:
        """Make everything whole again, so that the next cell does not inherit this one's fault."""
        for proxy in (self.proxies.redis, self.proxies.amqp, self.proxies.database, self.proxies.toss):
            proxy.heal()
        await self.toss.http.delete("/sandbox/faults")
        for machine in (self.stack.redis, self.stack.amqp, self.stack.database, self.stack.toss):
            assert machine
            machine.resume()
            if not machine.is_running:
                machine.start()
        for kind in ("web", "worker"):
            self.signal(kind, signal.SIGCONT)
        if self.shop.process.poll() is not None:
            await self.shop.start()
        await eventually(self.is_ready, REST_SECONDS)
        await eventually(self.is_connected, REST_SECONDS)

    async def assert_whole(self, within: float = REST_SECONDS) -> None:
        """Hold the six invariants, once everything under way has come to rest."""
        self.is_judged = True
        await self._come_to_rest(within)
        await self._assert_carts()
        await self._assert_stock()
        await self._assert_money()
        strange = [each for shopper in self.shoppers for each in shopper.strange]
        assert strange == [], "I5: shown to a shopper"

    async def _come_to_rest(self, within: float) -> None:
        """I6: nothing waits any more: no letter, no message, no dirty cart, no undecided payment."""
        waiting: dict[str, int] = {}

        async def nothing_waits() -> bool:
            try:
                waiting.clear()
                waiting.update(await self._waiting())
            except (Exception, asyncio.CancelledError) as error:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                waiting[repr(error)] = 1
            return not any(waiting.values()) and await self.is_ready()

        try:
            await eventually(nothing_waits, within)
        except TimeoutError:
            raise AssertionError(f"I6: after {within} s there still wait {waiting}") from None

    async def _waiting(self) -> dict[str, int]:
        async with self.m.db.read() as tx:
            letters = (await tx.execute(select(func.count()).select_from(outbox))).scalar_one()
            undecided = (
                await tx.execute(
                    select(func.count())
                    .select_from(web_payments)
                    .where(web_payments.c.payment_status.in_(UNDECIDED))
                )
            ).scalar_one()
        dirty = [await self.m.redis.command("ZCARD", keys.dirty(number)) for number in range(keys.BUCKETS)]
        found = {"outbox": int(letters), "undecided": int(undecided), "dirty": sum(dirty)}
        return found | await self.messages()

    async def messages(self) -> dict[str, int]:
        """Count what lies ready in the queues, past the proxies."""
        connection = await aio_pika.connect(self.stack.amqp_url, timeout=5)
        async with connection:
            found = {}
            for listener in LISTENERS:
                async with connection.channel() as channel:
                    queue = await channel.declare_queue(listener.queue.name, passive=True)
                    found[listener.queue.name] = queue.declaration_result.message_count or 0
            return found

    async def _assert_carts(self) -> None:
        """I1 and I2: every cart, hot and in the database, is what was acknowledged: not less, not more."""
        for shopper in self.shoppers:
            await self._assert_hot_cart(shopper)
        for product_id in {product for shopper in self.shoppers for product in shopper.knows}:
            known = [shopper.live[product_id] for shopper in self.shoppers if product_id in shopper.live]
            written = await self.written(product_id)
            assert sorted(written.values()) == sorted(known), f"I1, I2: the database's carts: {written}"

    async def _assert_hot_cart(self, shopper: Shopper) -> None:
        """A paid cart is emptied by a message that may still be in a worker's hands: that is waited for."""

        async def is_as_acknowledged() -> bool:
            return await shopper.cart() == shopper.live

        try:
            await eventually(is_as_acknowledged)
        except TimeoutError:
            raise AssertionError(f"I1, I2: {await shopper.cart()}, not {shopper.live}") from None

    async def _assert_stock(self) -> None:
        """I3: the shelf is what the ledger says, and never below nothing."""
        async with self.m.db.read() as tx:
            assert await stock.find_differences(tx) == [], "I3"
            below = select(func.count()).select_from(products).where(products.c.quantity < 0)
            assert (await tx.execute(below)).scalar_one() == 0, "I3"

    async def _assert_money(self) -> None:
        """I4: who is charged has a paid order or the money back; who has one is charged, once."""
        books = await self.toss.ledger()
        async with self.m.db.read() as tx:
            attempts = (await tx.execute(select(web_payments))).all()
        for attempt in attempts:
            charged = books["charges"].get(attempt.payment_no, 0)
            kept = books["kept"].get(attempt.payment_no, 0)
            assert charged <= 1, f"I4: charged {charged} times: {attempt}"
            if attempt.payment_status == "PAID":
                assert kept == attempt.total_price, f"I4: paid, but Toss holds {kept}: {attempt}"
            if attempt.payment_status not in HOLDING_MONEY | UNDECIDED:
                assert kept == 0, f"I4: Toss holds {kept} for {attempt}"


@asynccontextmanager
async def open_bed(folder: Path, stack: Stack, **settings: str) -> AsyncIterator[Bed]:
    """Run the shop on a stack, every machine behind a fault proxy."""
    with ExitStack() as running:
        urls = (stack.redis_url, stack.amqp_url, stack.database_url, stack.toss_api_url)
        proxies = Proxies(*(running.enter_context(proxy_of(url)) for url in urls))
        detour = {
            "REDIS_URL": through(proxies.redis, stack.redis_url),
            "AMQP_URL": through(proxies.amqp, stack.amqp_url),
            "DATABASE_URL": through(proxies.database, stack.database_url),
            "TOSS_API_URL": through(proxies.toss, stack.toss_api_url),
        }
        async with (
            serving(stack, folder, **({"WEB_WORKERS": str(WEB_WORKERS)} | detour | settings)) as shop,
            httpx.AsyncClient(base_url=stack.toss_api_url, trust_env=False) as http,
        ):
            m = build_machines(settings_for(stack, folder))
            try:
                yield Bed(stack, shop, m, Stand(stack.toss_api_url, Config(), http), proxies, folder)
            finally:
                await m.close()


@asynccontextmanager
async def fresh_bed(folder: Path, **settings: str) -> AsyncIterator[Bed]:
    """Open a bed on machines of its own, for a cell that leaves nothing whole."""
    with real(folder) as stack:
        (folder / "shop").mkdir()
        async with open_bed(folder / "shop", stack, **settings) as bed:
            yield bed
