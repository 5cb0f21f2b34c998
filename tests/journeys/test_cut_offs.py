"""The phone hangs up in the middle of a POST: all of it was done or nothing, and again does it once."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import h2.config
import h2.connection
import h2.events
import pytest
import pytest_asyncio

from app.core.ids import idempotency_key
from app.machines import Machines
from app.models import web_payments
from tests.faultproxy import RESET_ON_CLOSE
from tests.journeys.books import on_sale, row
from tests.journeys.presses import KINDS, MEMBERS, Form, Press, Presser
from tests.processes import Buyer, Placed, RunningShop
from tests.shop import eventually, settings_for
from tests.tls import Door, serving_h2
from tests.toss_stand import Stand

pytestmark = pytest.mark.real_first

SAMPLE, CAMPAIGN = 9, 1000
AT_WORK = 4
PAYMENTS_EVERY = len(KINDS) + 1
STAGES = ("head", "body", "work", "answer")
LONGEST_WORK_SECONDS = 0.2
FIRST_OF_ANSWER = 300  # bytes
UPLOADS = 50
TO_ITS_END_SECONDS = 30.0  # a confirmation, on a busy machine; nobody looks after it for a minute
H2_CHUNK_BYTES = 20  # little enough to stop in the middle of an answer


@dataclass(frozen=True, slots=True)
class Cut:
    """When the line goes dead, and how: a phone in a tunnel says nothing, one that is closed says so."""

    stage: str
    part: float  # of the head, the body or the answer's first bytes
    seconds: float  # after the last byte was sent
    abrupt: bool

    @classmethod
    def by(cls, chance: random.Random, *stages: str) -> "Cut":
        """Choose one."""
        seconds = chance.random() * LONGEST_WORK_SECONDS
        return cls(chance.choice(stages), chance.random(), seconds, abrupt=chance.random() < 0.5)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the bytes of its protocol."""

    head: bytes
    body: bytes

    def up_to(self, cut: Cut) -> bytes:
        """Return what of it is sent before the cut: never all of it in the first two stages."""
        if cut.stage == "head":
            return self.head[: max(1, int(len(self.head) * cut.part))]
        if cut.stage == "body":
            return self.head + self.body[: int(len(self.body) * cut.part)]
        return self.head + self.body


def in_h1(method: str, url: str, headers: dict[str, str], body: bytes) -> Sent:
    """Write a request as HTTP/1.1."""
    lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return Sent("\r\n".join(lines).encode(), body)


def h2_client() -> h2.connection.H2Connection:
    """Return the client's side of a connection that has begun."""
    line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
    line.initiate_connection()
    return line


def in_h2(method: str, url: str, headers: dict[str, str], body: bytes) -> Sent:
    """Write a request as HTTP/2."""
    line = h2_client()
    named = {name.lower(): value for name, value in headers.items()}
    pseudo = {":method": method, ":scheme": "https", ":authority": named.pop("host"), ":path": url}
    line.send_headers(1, [*pseudo.items(), *named.items()], end_stream=not body)
    head = line.data_to_send()
    if body:
        line.send_data(1, body, end_stream=True)
    return Sent(head, line.data_to_send())


def written(buyer: Buyer, door: Door, url: str, form: Form | None) -> Sent:
    """Write what a browser sends there: a POST when there is a form."""
    body = urlencode(form).encode() if form is not None else b""
    headers = {"Host": door.netloc, "Cookie": "; ".join(f"{k}={v}" for k, v in buyer.http.cookies.items())}
    if form is not None:
        kind = "application/x-www-form-urlencoded"
        headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
    write = in_h1 if door.protocol == "h1" else in_h2
    return write("GET" if form is None else "POST", url, headers, body)


async def answer_begins(reader: asyncio.StreamReader, door: Door) -> None:
    """Wait for the first bytes of an answer that refuses nothing; HTTP/2 talks of other things before."""
    if door.protocol == "h1":
        status = await reader.readexactly(len("HTTP/1.1 200"))
        assert status[-3:-2] in b"235", status
        return
    line = h2_client()
    line.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/")])
    while chunk := await reader.read(H2_CHUNK_BYTES):
        for event in line.receive_data(chunk):
            if isinstance(event, h2.events.ResponseReceived):
                status = dict(event.headers or [])[b":status"]
                assert status[:1] in b"235", event
                return
    raise AssertionError("The line ended without an answer.")


async def send_and_hang_up(buyer: Buyer, door: Door, cut: Cut, url: str, form: Form | None) -> None:
    """Send a request, a POST when there is a form, and be gone in the middle of it."""
    sent = written(buyer, door, url, form)
    reader, writer = await asyncio.open_connection(door.host, door.port, ssl=door.tls)
    writer.write(sent.up_to(cut))
    await writer.drain()
    if cut.stage == "answer":
        await answer_begins(reader, door)
        with suppress(TimeoutError):  # of a short answer nothing may be left, and the line stays open
            async with asyncio.timeout(cut.seconds):
                await reader.read(int(FIRST_OF_ANSWER * cut.part))
    else:
        await asyncio.sleep(cut.seconds)
    if cut.abrupt:
        line = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort() if cut.abrupt else writer.close()


class Campaign:
    """Seeded cuts, and what was wrong after them."""

    def __init__(self, running: RunningShop, m: Machines, toss: Stand, goods: list[int], door: Door) -> None:
        self.running, self.m, self.toss, self.goods, self.door = running, m, toss, goods, door
        self.wrong: list[str] = []
        self.cuts: Counter[str] = Counter()

    async def run(self, runs: int) -> None:
        """Go through all seeds."""
        seeds = iter(range(runs))

        async def work() -> None:
            for seed in seeds:
                await self.run_one(seed)

        await asyncio.gather(*(work() for _ in range(AT_WORK)))

    async def run_one(self, seed: int) -> None:
        """Have one form, or one way back from Toss, cut off, and sent again."""
        chance = random.Random(f"{self.door.protocol} {seed}")
        buyer = self.running.buyer()
        try:
            if seed % PAYMENTS_EVERY == len(KINDS):
                await self.cut_payment(f"seed {seed}", buyer, chance)
            else:
                await self.cut_form(seed, buyer, chance)
        finally:
            await buyer.http.aclose()
            self.running.buyers.remove(buyer)

    async def cut_form(self, seed: int, buyer: Buyer, chance: random.Random) -> None:
        """A form: undone when it did not come whole, else all or nothing; sent again, done once."""
        kind = KINDS[seed % PAYMENTS_EVERY]
        press = await kind(Presser(buyer, self.m, self.goods, chance))
        cut = Cut.by(chance, *STAGES)
        self.cuts[cut.stage] += 1
        told = f"seed {seed}: {kind.__name__}, {cut}"
        form = {"csrf": await buyer.form_token(), **press.form}
        await send_and_hang_up(buyer, self.door, cut, press.url, form)
        if not await self._is_whole(press, cut):
            self.wrong.append(f"{told}: neither done nor undone")
        answer = await buyer.patiently(press.url, **press.form)
        buyer.token = ""
        if answer.status_code != 303:
            self.wrong.append(f"{told}: sent again, answered {answer.status_code}")
        is_in = kind not in MEMBERS or (await buyer.get("/account")).status_code == 200
        if not (is_in and await press.done()):
            self.wrong.append(f"{told}: sent again, not done")

    async def _is_whole(self, press: Press, cut: Cut) -> bool:
        if cut.stage in {"head", "body"}:
            return await press.undone()
        return await press.undone() or await press.done()

    async def cut_payment(self, told: str, buyer: Buyer, chance: random.Random) -> None:
        """A way back from Toss: once begun it runs to its end, without anybody coming back."""
        await buyer.add(chance.choice(self.goods))
        placed = await buyer.place_order()
        payment_key, _ = await self.toss.approve(placed.amount, orderId=placed.payment_no)
        cut = Cut.by(chance, "head", "work", "answer")
        self.cuts[f"payment, {cut.stage}"] += 1
        query = {"paymentType": "NORMAL", "orderId": placed.payment_no, "paymentKey": payment_key}
        url = f"/payments/toss/return/{placed.payment_no}?{urlencode(query | {'amount': placed.amount})}"
        await send_and_hang_up(buyer, self.door, cut, url, None)
        wanted = {"head": {"PENDING"}, "answer": {"PAID"}}.get(cut.stage, {"PENDING", "PAID"})

        async def is_at_its_end() -> bool:
            return await self._status(placed) in wanted

        try:
            await eventually(is_at_its_end, TO_ITS_END_SECONDS)
        except TimeoutError:
            self.wrong.append(f"{told}: {cut}: {await self._status(placed)}, not one of {wanted}")
        await buyer.come_back(placed, payment_key)
        wanted = {"PAID"}  # the way back that was cut may only now be at work
        with suppress(TimeoutError):
            await eventually(is_at_its_end, TO_ITS_END_SECONDS)
        charges = await self.toss.charges(placed.payment_no)
        if (await self._status(placed), charges) != ("PAID", 1):
            self.wrong.append(f"{told}: {cut}: {await self._status(placed)}, charged {charges} times")

    async def _status(self, placed: Placed) -> str:
        found = await row(self.m, web_payments, web_payments.c.payment_no == placed.payment_no)
        return str(found.payment_status)


@pytest_asyncio.fixture(loop_scope="session", params=["h1", "h2"])
async def door(
    running: RunningShop, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Door]:
    """The shop's own door, or one beside it that speaks HTTP/2."""
    if request.param == "h2":
        async with serving_h2(settings_for(running.stack, folder), tmp_path) as beside:
            yield beside
    else:
        base = urlsplit(running.url)
        assert base.hostname
        assert base.port
        yield Door(base.hostname, base.port, "h1")


async def test_a_phone_that_hangs_up_leaves_nothing_half_done(
    running: RunningShop, m: Machines, toss: Stand, door: Door
) -> None:
    campaign = Campaign(running, m, toss, await on_sale(m, 6), door)
    await campaign.run(SAMPLE)
    assert campaign.wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("grounds", ["real"], indirect=True, scope="package")
async def test_a_thousand_phones_that_hang_up_leave_nothing_half_done(
    running: RunningShop,
    m: Machines,
    toss: Stand,
    door: Door,
    record_property: Callable[[str, object], None],
) -> None:
    campaign = Campaign(running, m, toss, await on_sale(m, 6), door)
    await campaign.run(CAMPAIGN)
    record_property("cuts", dict(campaign.cuts))
    assert campaign.wrong == []


async def test_a_slow_upload_keeps_nobody_waiting_and_is_done_when_it_is_whole(
    running: RunningShop, m: Machines, door: Door
) -> None:
    """Many bodies that trickle in: others are served meanwhile, and nothing happens before the last byte."""
    [product_id] = await on_sale(m, 1)
    buyer, other = running.buyer(), running.buyer()
    form = {
        "csrf": await buyer.form_token(),
        "product_id": product_id,
        "quantity": 2,
        "key": idempotency_key(),
    }
    sent = written(buyer, door, "/cart/lines", form)
    lines = [await asyncio.open_connection(door.host, door.port, ssl=door.tls) for _ in range(UPLOADS)]
    for _, writer in lines:
        writer.write(sent.head + sent.body[:-1])
        await writer.drain()
    async with asyncio.timeout(10):
        await other.add(product_id, 1)
        assert await other.cart() == {product_id: 1}
    assert await buyer.cart() == {}
    for _, writer in lines:
        writer.write(sent.body[-1:])
    for reader, writer in lines:
        await answer_begins(reader, door)
        writer.close()
    assert await buyer.cart() == {product_id: 2}
