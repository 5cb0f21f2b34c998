"""The phone hangs up in the middle of a POST: all of it was done or nothing, and again does it once."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import h2.config
import h2.connection
import pytest

from app.core.ids import idempotency_key
from app.machines import Machines
from app.models import web_payments
from tests.faultproxy import RESET_ON_CLOSE
from tests.journeys.books import on_sale, row
from tests.journeys.presses import KINDS, MEMBERS, Form, Press, Presser
from tests.processes import Buyer, Placed, RunningShop
from tests.shop import eventually
from tests.toss_stand import Stand

SAMPLE, CAMPAIGN = 9, 1000
AT_WORK = 4
PAYMENTS_EVERY = len(KINDS) + 1
STAGES = ("head", "body", "work", "answer")
LONGEST_WORK_SECONDS = 0.2
FIRST_OF_ANSWER = 300  # bytes
TO_ITS_END_SECONDS = 30.0  # a confirmation, on a busy machine; nobody looks after it for a minute
PROTOCOLS = ("h1", "h2")
H2_FRAME_BYTES, H2_HEADERS = 9, b"\x01"


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


def in_h2(method: str, url: str, headers: dict[str, str], body: bytes) -> Sent:
    """Write a request as HTTP/2, on a connection that knows it will be that."""
    line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    line.initiate_connection()
    named = {name.lower(): value for name, value in headers.items()}
    pseudo = {":method": method, ":scheme": "http", ":authority": named.pop("host"), ":path": url}
    line.send_headers(1, [*pseudo.items(), *named.items()], end_stream=not body)
    head = line.data_to_send()
    if body:
        line.send_data(1, body, end_stream=True)
    return Sent(head, line.data_to_send())


async def answer_begins(reader: asyncio.StreamReader, protocol: str) -> None:
    """Wait for the first byte of an answer; HTTP/2 talks of other things before."""
    kind = b""
    while protocol == "h2" and kind != H2_HEADERS:
        frame = await reader.readexactly(H2_FRAME_BYTES)
        kind = frame[3:4]
        await reader.readexactly(int.from_bytes(frame[:3]))
    if protocol == "h1":
        await reader.readexactly(1)


async def send_and_hang_up(buyer: Buyer, protocol: str, cut: Cut, url: str, form: Form | None) -> None:
    """Send a request, a POST when there is a form, and be gone in the middle of it."""
    base = urlsplit(str(buyer.http.base_url))
    body = urlencode(form).encode() if form is not None else b""
    headers = {"Host": base.netloc, "Cookie": "; ".join(f"{k}={v}" for k, v in buyer.http.cookies.items())}
    if form is not None:
        kind = "application/x-www-form-urlencoded"
        headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
    write = in_h1 if protocol == "h1" else in_h2
    sent = write("GET" if form is None else "POST", url, headers, body)
    reader, writer = await asyncio.open_connection(base.hostname, base.port)
    writer.write(sent.up_to(cut))
    await writer.drain()
    if cut.stage == "answer":
        await answer_begins(reader, protocol)
        await reader.read(int(FIRST_OF_ANSWER * cut.part))
    else:
        await asyncio.sleep(cut.seconds)
    if cut.abrupt:
        line = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort() if cut.abrupt else writer.close()


class Campaign:
    """Seeded cuts, and what was wrong after them."""

    def __init__(
        self, running: RunningShop, m: Machines, toss: Stand, goods: list[int], protocol: str
    ) -> None:
        self.running, self.m, self.toss, self.goods, self.protocol = running, m, toss, goods, protocol
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
        chance = random.Random(f"{self.protocol} {seed}")
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
        await send_and_hang_up(buyer, self.protocol, cut, press.url, form)
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
        await send_and_hang_up(buyer, self.protocol, cut, url, None)
        wanted = {"head": {"PENDING"}, "answer": {"PAID"}}.get(cut.stage, {"PENDING", "PAID"})

        async def is_at_its_end() -> bool:
            return await self._status(placed) in wanted

        try:
            await eventually(is_at_its_end, TO_ITS_END_SECONDS)
        except TimeoutError:
            self.wrong.append(f"{told}: {cut}: {await self._status(placed)}, not one of {wanted}")
        await buyer.come_back(placed, payment_key)
        charges = await self.toss.charges(placed.payment_no)
        if (await self._status(placed), charges) != ("PAID", 1):
            self.wrong.append(f"{told}: {cut}: {await self._status(placed)}, charged {charges} times")

    async def _status(self, placed: Placed) -> str:
        found = await row(self.m, web_payments, web_payments.c.payment_no == placed.payment_no)
        return str(found.payment_status)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_phone_that_hangs_up_leaves_nothing_half_done(
    running: RunningShop, m: Machines, toss: Stand, protocol: str
) -> None:
    campaign = Campaign(running, m, toss, await on_sale(m, 6), protocol)
    await campaign.run(SAMPLE)
    assert campaign.wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("grounds", ["real"], indirect=True, scope="package")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_thousand_phones_that_hang_up_leave_nothing_half_done(
    running: RunningShop,
    m: Machines,
    toss: Stand,
    protocol: str,
    record_property: Callable[[str, object], None],
) -> None:
    campaign = Campaign(running, m, toss, await on_sale(m, 6), protocol)
    await campaign.run(CAMPAIGN)
    record_property("cuts", dict(campaign.cuts))
    assert campaign.wrong == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_slow_upload_keeps_nobody_waiting_and_is_done_when_it_is_whole(
    running: RunningShop, m: Machines, protocol: str
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
    body = urlencode(form).encode()
    base = urlsplit(running.url)
    headers = {
        "Host": base.netloc,
        "Cookie": "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items()),
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    sent = (in_h1 if protocol == "h1" else in_h2)("POST", "/cart/lines", headers, body)
    lines = [await asyncio.open_connection(base.hostname, base.port) for _ in range(50)]
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
        await answer_begins(reader, protocol)
        writer.close()
    assert await buyer.cart() == {product_id: 2}
