"""The shop that is measured: real servers, one web process on a core of its own, shoppers with carts."""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import select, update

from app.accounts import service as accounts
from app.accounts import sessions
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.models import products, stock_movements
from app.seed import seed
from bench.client import Reply, Wire, compose
from bench.cost import Cast, find_cast
from bench.machine import REST, SERVER, pin
from bench.wrk import WrongAnswerError
from sandbox import children
from sandbox.toss.config import Config
from tests.processes import RECIPIENT, RunningShop, serving
from tests.shop import settings_for
from tests.stack import ROOT, Stack, real
from tests.toss_stand import Stand
from tests.village import settle

T = TypeVar("T")

PRODUCTS = 1000
PLENTY = 1_000_000
AT_ONCE = 4
PATIENCE = 20
SECONDS_TO_START = 30
PACKED, PLAIN = b"Accept-Encoding: gzip, deflate, br", b"Accept-Encoding: identity"
TOKEN = re.compile(rb'name="csrf" value="([^"]+)"')
SEEN_TOTAL = re.compile(rb'name="seen_total" value="(\d+)"')
PAYMENT_NO = re.compile(rb'data-payment-no="(\w+)"')
AMOUNT = re.compile(rb'data-amount="(\d+)"')


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody with a cart, and what their browser sends."""

    number: int
    cookie: str
    csrf: str
    goods: tuple[int, ...]

    def edit(self, path: str, caller: int, **form: object) -> bytes:
        """Return a form sent from their page."""
        return compose(
            "POST", path, cookie=self.cookie, form={"csrf": self.csrf} | form, caller=self.number + caller
        )

    def read(self, path: str) -> bytes:
        """Return a page asked for with their cookie."""
        return compose("GET", path, cookie=self.cookie, caller=self.number)


@dataclass(slots=True)
class Ground:
    """The running shop, and whoever was made for it so far."""

    shop: RunningShop
    hello_url: str
    m: Machines
    stand: Stand
    goods: list[int]
    cast: Cast
    count: int = 0
    crowds: dict[tuple[int, int], list[Shopper]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the shop is."""
        return self.shop.url

    async def crowd(self, size: int, lines: int) -> list[Shopper]:
        """Return so many members with so many lines in the cart; the same ones every time."""
        known = self.crowds.setdefault((size, lines), [])
        if not known:
            known += await each(size, lambda _: self.member(lines))
        return known

    async def member(self, lines: int) -> Shopper:
        """Return a new member, logged in, with so many lines in the cart."""
        person = await settle(self.m, "bench", "김민지", "01012345678")
        token = await sessions.open_session(self.m, await accounts.read_account(self.m, person.user_id), "")
        return await self._fill(f"sid={token}", lines)

    async def guest(self, lines: int) -> Shopper:
        """Return a new guest with so many lines in the cart."""
        return await self._fill(f"gid={secrets.token_urlsafe(32)}", lines)

    async def _fill(self, cookie: str, lines: int) -> Shopper:
        self.count += 1
        number = self.count
        page = await self.ask(compose("GET", "/orders/lookup", cookie=cookie, caller=number))
        start = secrets.randbelow(len(self.goods))
        goods = [self.goods[(start + step) % len(self.goods)] for step in range(lines)]
        shopper = Shopper(number, cookie, find(TOKEN, page), tuple(goods))
        for product_id in goods:
            await self.ask(shopper.edit("/cart/lines", 0, **add(product_id)))
        return shopper

    async def ask(self, request: bytes) -> Reply:
        """Ask for an answer we can read, again while a busy machine says 503. Raises WrongAnswerError."""
        wire = Wire(self.url)
        reply = await wire.ask(request.replace(PACKED, PLAIN))
        for _ in range(PATIENCE):
            if reply.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            reply = await wire.ask(request.replace(PACKED, PLAIN))
        wire.close()
        if reply.status not in {200, 303}:
            raise WrongAnswerError(f"{reply.status} {reply.body[:400].decode(errors='replace')}")
        return reply

    async def order(self) -> bytes:
        """Return the press of a new guest's order button, after the review."""
        shopper = await self.guest(2)
        review = shopper.edit("/checkout", 0, **RECIPIENT)
        seen = find(SEEN_TOTAL, await self.ask(review))
        return shopper.edit("/checkout", 0, **RECIPIENT, seen_total=seen, confirmed="1")

    async def payment(self) -> bytes:
        """Return a new guest's way back from the Toss window, the payment approved there."""
        order = await self.order()
        location = (await self.ask(order)).location
        cookie = re.search(rb"Cookie: (\S+)", order)
        assert cookie  # noqa: S101 - compose wrote it
        cookies = cookie[1].decode()
        page = await self.ask(compose("GET", location, cookie=cookies))
        payment_no, amount = find(PAYMENT_NO, page), int(find(AMOUNT, page))
        key, _ = await self.stand.approve(amount, orderId=payment_no)
        query = f"paymentType=NORMAL&orderId={payment_no}&paymentKey={key}&amount={amount}"
        return compose(
            "GET", f"/payments/toss/return/{payment_no}?{query}", cookie=cookies, caller=self.count
        )


def add(product_id: int) -> dict[str, object]:
    """Return the form that puts one of a product into the cart."""
    return {"product_id": product_id, "quantity": 1, "key": secrets.token_hex(16)}


def find(pattern: re.Pattern[bytes], reply: Reply) -> str:
    """Return what a page has. Raises WrongAnswerError."""
    found = pattern.search(reply.body)
    if found is None:
        raise WrongAnswerError(f"no {pattern.pattern!r} in {reply.body[:400].decode(errors='replace')}")
    return found[1].decode()


async def each(size: int, make: Callable[[int], Awaitable[T]]) -> list[T]:
    """Make so many things, a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> T:
        async with places:
            return await make(number)

    return list(await asyncio.gather(*map(one, range(size))))


@asynccontextmanager
async def open_ground(folder: Path, count: int = PRODUCTS, **settings: str) -> AsyncIterator[Ground]:
    """Run the shop with so many products, and a bare hello beside it; end both."""
    with real(folder) as stack:
        await stock_up(stack, folder, count)
        # This machine is its proxy: each request says where it comes from, as behind a load balancer.
        trusting = {"TRUSTED_PROXIES": "127.0.0.1/32", **settings}
        async with serving(stack, folder, **trusting) as shop, standing(stack) as stand:
            m = build_machines(replace(settings_for(stack, folder), public_url=shop.url))
            hello_url = start_hello(folder)
            cast = find_cast()
            for kind, pids in cast.pids.items():
                for pid in pids:
                    pin(pid, SERVER if kind in {"web", "hello"} else REST)
            async with m.db.read() as tx:
                goods = list((await tx.execute(select(products.c.product_id).limit(PRODUCTS))).scalars())
            yield Ground(shop, hello_url, m, stand, goods, cast)
            await m.close()


async def stock_up(stack: Stack, folder: Path, count: int) -> None:
    """Fill the catalogue, and the shelves so full that nothing sells out."""
    m = build_machines(settings_for(stack, folder))
    await migrate(m.db)
    await seed(m.db, folder / "data" / "pictures", count)
    async with m.db.write() as tx:
        await tx.execute(update(products).values(quantity=PLENTY))
        await tx.execute(update(stock_movements).values(delta=PLENTY))
    await m.close()


@asynccontextmanager
async def standing(stack: Stack) -> AsyncIterator[Stand]:
    """Give a buyer's hands at the stack's sandbox."""
    async with httpx.AsyncClient(base_url=stack.toss.url, trust_env=False) as http:
        yield Stand(stack.toss.url, Config(), http)


def start_hello(folder: Path) -> str:
    """Start the measure; it dies with us."""
    port = children.free_port()
    argv = [sys.executable, "-m", "bench.hello", f"{children.LOOPBACK}:{port}"]
    log = folder / "hello.log"
    child = children.spawn(argv, log, os.environ | {"PYTHONPATH": str(ROOT)})
    children.await_ready(child, lambda: children.listens(port), log, SECONDS_TO_START)
    return f"http://{children.LOOPBACK}:{port}"
