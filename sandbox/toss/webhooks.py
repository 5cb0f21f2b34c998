"""The webhook sender: both payload shapes, Toss's headers and retry table, a log one can resend from."""

import asyncio
import json
import secrets
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sandbox.toss.clock import Clock
from sandbox.toss.config import DEPOSIT_CALLBACK, PAYMENT_STATUS_CHANGED, Config
from sandbox.toss.faults import Faults
from sandbox.toss.payment import Json, Payment, body_of, iso

RETRY_MINUTES = (1, 4, 16, 64, 256, 1024, 4096)
OK = 200
LOG_LENGTH = 500


@dataclass(slots=True)
class Sending:
    """One webhook and what became of it."""

    transmission_id: str
    event: str
    order_id: str
    body: str
    state: str = "Sending"  # Completed, Failed: as the Developer Center words it
    attempts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Webhooks:
    """Sends what the ledger announces to the registered address."""

    config: Config
    clock: Clock
    faults: Faults
    url: str | None
    log: list[Sending] = field(default_factory=list)
    held: list[Sending] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    first_tries: set[asyncio.Task[bool]] = field(default_factory=set)

    def announce(self, payment: Payment) -> None:
        """Send the payment's present state in every registered shape."""
        if not self.url:
            return
        wish, key = payment.wish, payment.payment_key
        written = (self._written(event, payment) for event in self.config.webhook_events)
        fresh = [sending for sending in written if sending]
        if self.faults.for_webhook("webhook_reversed", wish.order_id, wish.amount, key):
            self.held += fresh
            return
        duplicate = self.faults.for_webhook("webhook_duplicate", wish.order_id, wish.amount, key)
        for sending in fresh:
            for _ in range(duplicate.copies if duplicate else 1):
                self._start(sending)
        held, self.held = self.held, []
        if held:
            self._keep(asyncio.create_task(self._send_later(held)))

    def resend(self, transmission_id: str) -> None:
        """Send one of the log again, by hand."""
        for sending in self.log:
            if sending.transmission_id == transmission_id:
                self._start(sending)
                return

    async def flush(self) -> None:
        """Wait until everything announced so far was tried once."""
        while self.first_tries:
            await asyncio.wait(self.first_tries)

    async def close(self) -> None:
        """Stop all sending and all waiting for retries."""
        tasks = [*self.tasks, *self.first_tries]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _written(self, event: str, payment: Payment) -> Sending | None:
        now = self.clock.now()
        created = now.replace(tzinfo=None).isoformat(timespec="microseconds")
        body: Json
        if event == PAYMENT_STATUS_CHANGED:
            body = {"eventType": event, "createdAt": created, "data": body_of(payment, now)}
        elif event == DEPOSIT_CALLBACK and payment.account:
            body = {
                "createdAt": created,
                "secret": payment.secret,
                "status": payment.status,
                "transactionKey": payment.last_transaction_key,
                "orderId": payment.wish.order_id,
            }
        else:
            return None
        text = json.dumps(body, ensure_ascii=False)
        sending = Sending(f"whtrans_{secrets.token_hex(13)}", event, payment.wish.order_id, text)
        self.log = [*self.log[-LOG_LENGTH:], sending]
        return sending

    def _start(self, sending: Sending) -> None:
        first = asyncio.create_task(self._try(sending))
        self.first_tries.add(first)
        first.add_done_callback(self.first_tries.discard)
        self._keep(asyncio.create_task(self._until_taken(sending, first)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _send_later(self, held: list[Sending]) -> None:
        await self.flush()
        for sending in held:
            self._start(sending)

    async def _until_taken(self, sending: Sending, first: asyncio.Task[bool]) -> None:
        taken = await first
        for minutes in RETRY_MINUTES:
            if taken or sending.state == "Completed":
                break
            await asyncio.sleep(minutes * 60 / self.config.webhook_speed)
            taken = sending.state == "Completed" or await self._try(sending)
        if not taken and sending.state != "Completed":
            sending.state = "Failed"

    async def _try(self, sending: Sending) -> bool:
        headers = {
            "tosspayments-webhook-transmission-time": iso(self.clock.now()) or "",
            "tosspayments-webhook-transmission-retried-count": str(len(sending.attempts)),
            "tosspayments-webhook-transmission-id": sending.transmission_id,
        }
        try:
            async with asyncio.timeout(self.config.webhook_timeout):
                status = await _post(self.url or "", sending.body.encode(), headers)
        except TimeoutError:
            outcome = "응답 없음"
        except (OSError, ValueError) as problem:
            outcome = type(problem).__name__
        else:
            outcome = str(status)
            if status == OK:
                sending.state = "Completed"
        sending.attempts.append(outcome)
        return outcome == str(OK)


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post JSON and return the status; a client library for one request would be one too many."""
    to = urlsplit(url)
    secure = ssl.create_default_context() if to.scheme == "https" else None
    port = to.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(to.hostname, port, ssl=secure)
    lines = [
        f"POST {to.path or '/'}{'?' + to.query if to.query else ''} HTTP/1.1",
        f"Host: {to.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    try:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        words = (await reader.readline()).split()
        if len(words) < 2:  # noqa: PLR2004 - a status line has a version and a number
            raise ValueError("no status line")
        return int(words[1])
    finally:
        writer.close()
