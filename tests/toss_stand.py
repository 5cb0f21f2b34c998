"""A running Toss sandbox for tests, what a buyer does in it, and small servers that listen or misbehave."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.toss.app import listen, serve_on
from sandbox.toss.config import DOCS_SECRET_KEY, Config

SHOP = "http://shop.invalid"
Json = dict[str, Any]


@dataclass(slots=True)
class Stand:
    """One running sandbox, and a buyer's hands."""

    url: str
    config: Config
    http: httpx.AsyncClient

    async def open(self, amount: int = 15_000, method: str = "CARD", **more: object) -> tuple[str, str]:
        """Press the pay button of the widget; return payment key and order number."""
        order_id = str(more.pop("orderId", f"order-{secrets.token_hex(8)}"))
        asked = {
            "clientKey": self.config.client_key,
            "amount": amount,
            "method": method,
            "orderId": order_id,
            "orderName": "들기름 외 1건",
            "successUrl": f"{SHOP}/done",
            "failUrl": f"{SHOP}/fail?order=1",
            **more,
        }
        answer = await self.http.post("/sandbox/payments", json=asked)
        assert answer.status_code == 201, answer.text
        return answer.json()["paymentKey"], order_id

    async def decide(self, payment_key: str, outcome: str = "approve") -> dict[str, str]:
        """Press a button of the window; return the query the shop is sent back with."""
        answer = await self.http.post(f"/sandbox/window/{payment_key}", data={"outcome": outcome})
        assert answer.status_code == 303, answer.text
        to = urlsplit(answer.headers["Location"])
        return {"path": to.path, **{name: values[0] for name, values in parse_qs(to.query).items()}}

    async def approve(self, amount: int = 15_000, method: str = "CARD", **more: object) -> tuple[str, str]:
        """Go through widget and window; return payment key and order number, ready to be confirmed."""
        payment_key, order_id = await self.open(amount, method, **more)
        await self.decide(payment_key)
        return payment_key, order_id

    async def confirm(
        self, payment_key: str, order_id: str, amount: object = 15_000, **headers: str
    ) -> httpx.Response:
        """Confirm as a shop does; header names with underscores."""
        body = {"paymentKey": payment_key, "orderId": order_id, "amount": amount}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/v1/payments/confirm", json=body, headers=basic() | names)

    async def cancel(self, payment_key: str, **body: object) -> httpx.Response:
        """Cancel as a shop does."""
        asked = {"cancelReason": "시험", **body}
        return await self.http.post(f"/v1/payments/{payment_key}/cancel", json=asked, headers=basic())

    async def look_up(self, payment_key: str) -> Json:
        """Read the Payment object."""
        read: Json = (await self.http.get(f"/v1/payments/{payment_key}", headers=basic())).json()
        return read

    async def fault(self, kind: str, **more: object) -> None:
        """Order a fault."""
        answer = await self.http.post("/sandbox/faults", json={"fault": kind, **more})
        assert answer.status_code == 201, answer.text

    async def skip(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        await self.http.post("/sandbox/clock", json={"seconds": seconds})

    async def act(self, payment_key: str, action: str) -> None:
        """Press a button of the desk."""
        answer = await self.http.post(f"/sandbox/payments/{payment_key}/{action}")
        assert answer.status_code == 303, answer.text

    async def ledger(self) -> Json:
        """Read the books."""
        books: Json = (await self.http.get("/sandbox/ledger")).json()
        return books

    async def charges(self, name: str) -> int:
        """Count how often an order or a payment key was charged."""
        return int((await self.ledger())["charges"].get(name, 0))

    async def until(self, holds: Callable[[Json], bool]) -> Json:
        """Wait until the books look as expected."""
        async with asyncio.timeout(10):
            while not holds(books := await self.ledger()):  # noqa: ASYNC110 - another party's books tell no event
                await asyncio.sleep(0.01)
        return books


def basic(secret: str = f"{DOCS_SECRET_KEY}:") -> dict[str, str]:
    """Write the header of Basic authentication."""
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def code(reply: httpx.Response) -> tuple[int, str]:
    """Return status and error code of an answer."""
    return reply.status_code, reply.json()["code"]


@asynccontextmanager
async def running_sandbox(config: Config) -> AsyncIterator[Stand]:
    """Serve a sandbox on a free loopback port."""
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    shutdown = asyncio.Event()
    task = asyncio.create_task(serve_on(config, listening, shutdown))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield Stand(url, config, http)
    shutdown.set()
    await task


@dataclass(slots=True)
class Received:
    """A request as a small server saw it."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        """Read the body."""
        read: Json = json.loads(self.body)
        return read


@dataclass(slots=True)
class Listener:
    """A server that notes every request and answers what it was told, the last answer for ever."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    seen: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)

    async def next(self) -> Received:
        """Return the next request."""
        async with asyncio.timeout(10):
            return await self.seen.get()


def answer(status: int, body: str | bytes = b"", *headers: str) -> bytes:
    """Write an HTTP answer by hand."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@asynccontextmanager
async def running_listener(*answers: bytes) -> AsyncIterator[Listener]:
    """Serve a listener on a free loopback port."""
    listener = Listener(answers=list(answers) or [answer(200)])

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            listener.seen.put_nowait(Received(first.split()[1], headers, body))
            writer.write(listener.answers.pop(0) if len(listener.answers) > 1 else listener.answers[0])
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield listener
