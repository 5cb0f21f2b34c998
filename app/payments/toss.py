"""The Toss client: the only file that speaks HTTP to Toss, and that says what is certain and what is not."""

import asyncio
import base64
import json
import logging
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.util import find_spec
from typing import NoReturn
from urllib.parse import quote, urlencode

import httpx

from app.core.clock import to_kst
from app.infra.breaker import Breaker
from app.payments.payment import (
    Json,
    MalformedPaymentError,
    TossPayment,
    Transaction,
    read_payment,
    read_transactions,
)
from app.payments.verdicts import Call, Verdict, verdict

OK = 200
FIRST_ERROR = 400
TOO_MANY_REQUESTS = 429
FIRST_OF_THEIRS = 500
BREAKER_OPEN = "breaker open"
BREAKER_FAILURES, BREAKER_SECONDS = 5, 3.0
PAGE = 100
CODE = re.compile(r"[A-Z0-9_]{1,80}")
TRACE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")

log = logging.getLogger(__name__)


class TossError(Exception):
    """Anything but a Payment object as the answer."""


class TossRefused(TossError):  # noqa: N818 - a verdict, read as one
    """Certain: nothing was charged or returned. `misconfigured`: by our fault, so somebody must be told."""

    def __init__(self, code: str, message: str, *, misconfigured: bool) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.misconfigured = misconfigured


class TossUnknown(TossError):  # noqa: N818 - as above
    """The outcome is unknown; look it up before doing anything else."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TossBusy(TossUnknown):
    """Done already, or being done by another request; look it up."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class RefundAccount:
    """Where the money of a deposited virtual account goes back to."""

    bank: str
    account_number: str
    holder_name: str


class Toss:
    """One merchant's access to the payment API."""

    def __init__(
        self, api_url: str, secret_key: str, *, connect_seconds: float = 2.0, read_seconds: float = 10.0
    ) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses: payment keys
        if find_spec("sniffio") is None:
            # The client looks for it several times a call, each time through all folders: 0.3 ms a payment.
            sys.modules["sniffio"] = None  # type: ignore[assignment] # how Python notes that there is none
        self.breaker = Breaker("toss", failures=BREAKER_FAILURES, open_seconds=BREAKER_SECONDS)
        self._deadline = connect_seconds + read_seconds
        self._api_url = api_url
        self._authorization = f"Basic {base64.b64encode(f'{secret_key}:'.encode()).decode()}"
        self._timeout = httpx.Timeout(read_seconds, connect=connect_seconds)

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """The client, made when it is first needed: it reads every authority's certificate."""
        return httpx.AsyncClient(
            base_url=self._api_url,
            headers={"Authorization": self._authorization},
            timeout=self._timeout,
            follow_redirects=False,
            trust_env=False,  # neither a proxy nor a .netrc of the machine comes between us and the money
        )

    async def confirm(
        self, payment_key: str, order_id: str, amount: int, idempotency_key: str
    ) -> TossPayment:
        """Charge. The same idempotency key always gets the first answer."""
        body: Json = {"paymentKey": payment_key, "orderId": order_id, "amount": amount}
        return _payment("confirm", await self._ask("confirm", "/v1/payments/confirm", body, idempotency_key))

    async def find_by_order(self, order_id: str) -> TossPayment | None:
        """Look up by our number; None only when Toss says there is no such payment."""
        return await self._find(f"/v1/payments/orders/{quote(order_id, safe='')}")

    async def find_by_key(self, payment_key: str) -> TossPayment | None:
        """Look up by Toss's key; None only when Toss says there is no such payment."""
        return await self._find(f"/v1/payments/{quote(payment_key, safe='')}")

    async def cancel(  # noqa: PLR0913 - three of them are named fields of the request
        self,
        payment_key: str,
        reason: str,
        idempotency_key: str,
        *,
        amount: int | None = None,
        refund_account: RefundAccount | None = None,
        refundable_amount: int | None = None,
    ) -> TossPayment:
        """Give back all that is left, or a part; ``refundable_amount``: only if that much is left."""
        body: Json = {"cancelReason": reason}
        if amount is not None:
            body["cancelAmount"] = amount
        if refundable_amount is not None:
            body["refundableAmount"] = refundable_amount
        if refund_account:
            body["refundReceiveAccount"] = {
                "bank": refund_account.bank,
                "accountNumber": refund_account.account_number,
                "holderName": refund_account.holder_name,
            }
        path = f"/v1/payments/{quote(payment_key, safe='')}/cancel"
        return _payment("cancel", await self._ask("cancel", path, body, idempotency_key))

    async def list_transactions(self, start: datetime, end: datetime) -> list[Transaction]:
        """Return every movement from ``start`` up to, and without, ``end`` (both naive UTC)."""
        page = found = await self._list_page(start, end, "")
        while len(page) == PAGE:
            page = await self._list_page(start, end, page[-1].transaction_key)
            found = [*found, *page]
        return [each for each in found if start <= each.at < end]

    async def close(self) -> None:
        """Close the connections."""
        if "_http" in vars(self):
            await self._http.aclose()

    async def _list_page(self, start: datetime, end: datetime, after: str) -> list[Transaction]:
        asked = {"startDate": _korean(start), "endDate": _korean(end), "limit": str(PAGE)}
        if after:
            asked["startingAfter"] = after
        return _transactions(await self._ask("lookup", f"/v1/transactions?{urlencode(asked)}", None, None))

    async def _find(self, path: str) -> TossPayment | None:
        try:
            return _payment("lookup", await self._ask("lookup", path, None, None))
        except _NotThereError:
            return None

    async def _ask(self, call: Call, path: str, body: Json | None, idempotency_key: str | None) -> object:
        """Send one call and return its content, unless Toss has just left several unanswered."""
        if not self.breaker.enter():
            raise TossUnknown(BREAKER_OPEN)
        try:
            answer = await self._send(call, path, body, idempotency_key)
        except TossUnknown:
            self.breaker.failed()
            raise
        except BaseException:
            self.breaker.left()
            raise
        content = _json(answer)
        code = _code(content)
        if _is_broken(answer.status_code, content, code):
            self.breaker.failed()
        else:
            self.breaker.answered()
        if answer.status_code != OK:
            raise _judged(call, answer.status_code, code, content)
        return content

    async def _send(
        self, call: Call, path: str, body: Json | None, idempotency_key: str | None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        started = time.monotonic()
        try:
            # httpx limits each read, not the whole: a trickle would hold us for ever.
            async with asyncio.timeout(self._deadline):
                method = "POST" if body is not None else "GET"
                answer = await self._http.request(method, path, json=body, headers=headers)
        except (TimeoutError, httpx.TimeoutException) as problem:
            log.warning("toss %s: no answer (%s)", call, type(problem).__name__)
            raise TossUnknown("timeout") from problem
        except httpx.HTTPError as problem:
            log.warning("toss %s: no answer (%s)", call, type(problem).__name__)
            raise TossUnknown("connection") from problem
        trace = answer.headers.get("X-TossPayments-Trace-Id", "")
        log.info(
            "toss %s: status %d, code %s, trace %s, %d ms",
            call,
            answer.status_code,
            _code(_json(answer)) or "-",
            trace if TRACE.fullmatch(trace) else "-",
            (time.monotonic() - started) * 1000,
        )
        return answer


class _NotThereError(TossError):
    """Toss knows no such payment."""


def _payment(call: Call, content: object) -> TossPayment:
    try:
        return read_payment(content)
    except MalformedPaymentError as problem:
        log.warning("toss %s: unreadable payment (%s)", call, problem)
        raise TossUnknown("unreadable payment") from problem


def _transactions(content: object) -> list[Transaction]:
    try:
        return read_transactions(content)
    except MalformedPaymentError as problem:
        log.warning("toss transactions: unreadable (%s)", problem)
        raise TossUnknown("unreadable transactions") from problem


def _is_broken(status: int, content: object, code: str) -> bool:
    """Whether this is a sick server talking, not an answer about a payment."""
    if status == OK:
        return content is None
    return status >= FIRST_OF_THEIRS or status == TOO_MANY_REQUESTS or not code


def _korean(moment: datetime) -> str:
    """Write a moment as the API reads it: Korean time without an offset (it refuses a ``Z``)."""
    return to_kst(moment).replace(tzinfo=None).isoformat(timespec="seconds")


def _judged(call: Call, status: int, code: str, content: object) -> TossError:
    """Return what an error answer means."""
    if status < FIRST_ERROR or status == TOO_MANY_REQUESTS or not code:
        return TossUnknown(str(status))
    if call == "lookup" and code == "NOT_FOUND_PAYMENT":
        return _NotThereError(code)
    judged = verdict(call, code)
    if judged is Verdict.BUSY:
        return TossBusy(code)
    if judged is Verdict.UNKNOWN:
        return TossUnknown(code)
    message = content.get("message") if isinstance(content, dict) else None
    text = message if isinstance(message, str) else ""
    return TossRefused(code, text[:510], misconfigured=judged is Verdict.MISCONFIGURED)


def _json(answer: httpx.Response) -> object:
    try:
        return json.loads(answer.content, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads as JSON and no database takes back."""
    raise ValueError(name)


def _code(content: object) -> str:
    code = content.get("code") if isinstance(content, dict) else None
    return code if isinstance(code, str) and CODE.fullmatch(code) else ""
