"""The REST API under /v1: confirm, look up, cancel, transactions."""

import asyncio
import base64
import binascii
import functools
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

from quart import Blueprint, Response, request

from sandbox.toss import wire
from sandbox.toss.box import Box
from sandbox.toss.clock import SEOUL
from sandbox.toss.codes import CODES, Refusal
from sandbox.toss.faults import Fault
from sandbox.toss.ledger import Entry
from sandbox.toss.payment import METHODS, Json, Payment, body_of, iso
from sandbox.toss.reply import Reply, error

LONGEST_KEY = 200
OTHER_AMOUNT = 100


def api_routes(box: Box) -> Blueprint:
    """Return the routes of one sandbox."""
    routes = Blueprint("api", __name__, url_prefix="/v1")

    @routes.post("/payments/confirm")
    async def confirm() -> Response:
        asked = await _json()
        found = box.ledger.find(str(asked.get("paymentKey")))
        return await _answer(box, "confirm", found, lambda fault: _confirm(box, asked, fault))

    @routes.post("/payments/<payment_key>/cancel")
    async def cancel(payment_key: str) -> Response:
        asked = await _json()
        found = box.ledger.find(payment_key)
        return await _answer(box, "cancel", found, lambda fault: _cancel(box, found, asked, fault))

    @routes.get("/payments/<payment_key>")
    async def find(payment_key: str) -> Response:
        found = box.ledger.find(payment_key)
        return await _answer(box, "lookup", found, lambda fault: _show(box, found, fault))

    @routes.get("/payments/orders/<order_id>")
    async def find_order(order_id: str) -> Response:
        found = box.ledger.find_order(order_id)
        return await _answer(box, "lookup", found, lambda fault: _show(box, found, fault))

    @routes.get("/transactions")
    async def transactions() -> Response:
        try:
            _check_key(box)
            rows = _transactions(box)
        except Refusal as refusal:
            return _response(error(refusal.code, _language()))
        return wire.json_response(rows, headers=_trace())

    @routes.get("/<path:_>")
    async def nothing(_: str) -> Response:
        return _response(error("NOT_FOUND", _language()))

    return routes


async def _answer(
    box: Box, call: str, found: Payment | None, work: Callable[[Fault | None], Awaitable[Reply]]
) -> Response:
    """Check the key, meet the fault that was ordered, do the work once, answer."""
    try:
        secret = _check_key(box)
    except Refusal as refusal:
        return _response(error(refusal.code, _language()))
    if code := request.headers.get("TossPayments-Test-Code"):
        return _response(error(code if code in CODES else "INVALID_REQUEST", _language()))
    order_id, amount = (found.wish.order_id, found.wish.amount) if found else (None, None)
    fault = box.faults.for_call(call, order_id, amount, found.payment_key if found else "")
    kind = fault.kind if fault else ""
    if kind in {"timeout_before", "reset_before", "html_before", "too_many"}:
        return await _broken(box, kind, None)
    key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
    scope = (key, secret, request.path, request.method)

    async def arrive() -> Reply:
        if fault and fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        return await box.idempotency.once(scope, functools.partial(_refusals_as_replies, work, fault))

    try:
        reply = await box.detached(arrive())
    except Refusal as refusal:
        reply = error(refusal.code, _language())
    if kind in {"timeout_after", "reset_after", "html_after", "truncated"}:
        return await _broken(box, kind, reply)
    if kind == "webhook_before_answer":
        await box.webhooks.flush()
    if kind == "other_order":
        reply = Reply(reply.status, {**reply.body, "orderId": "order-of-somebody-else"})
    return _response(_with_surprises(reply) if kind == "extra_fields" else reply)


async def _refusals_as_replies(
    work: Callable[[Fault | None], Awaitable[Reply]], fault: Fault | None
) -> Reply:
    """Turn a refusal into an answer inside the idempotency store, which keeps errors too."""
    try:
        return await work(fault)
    except Refusal as refusal:
        return error(refusal.code, _language())


async def _confirm(box: Box, asked: Json, fault: Fault | None) -> Reply:
    key, order_id, amount = asked.get("paymentKey"), asked.get("orderId"), _whole(asked.get("amount"))
    if not isinstance(key, str) or not isinstance(order_id, str) or amount is None or len(key) > LONGEST_KEY:
        raise Refusal("INVALID_REQUEST")
    payment = box.ledger.check_confirm(key, order_id, amount, box.config.amount_mismatch_code)
    payment.confirming = True
    try:
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        _refuse_if(box, payment, fault)
        other = payment.total + OTHER_AMOUNT if fault and fault.kind == "other_amount" else None
        box.ledger.approve(payment, other)
    finally:
        payment.confirming = False
    return Reply(200, body_of(payment, box.clock.now()))


def _refuse_if(box: Box, payment: Payment, fault: Fault | None) -> None:
    if fault is None or fault.kind != "reject":
        return
    if fault.code in CODES and CODES[fault.code].aborts:
        box.ledger.abort(payment, fault.code)
    raise Refusal(fault.code)


async def _cancel(box: Box, payment: Payment | None, asked: Json, fault: Fault | None) -> Reply:
    reason = asked.get("cancelReason")
    account = asked.get("refundReceiveAccount")
    complete = account is None or (
        isinstance(account, dict)
        and all(isinstance(account.get(name), str) for name in ("bank", "accountNumber", "holderName"))
    )
    if payment is None:
        raise Refusal("NOT_FOUND_PAYMENT")
    if not isinstance(reason, str) or not 0 < len(reason) <= LONGEST_KEY or not complete:
        raise Refusal("INVALID_REQUEST")
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault and fault.kind == "reject":
        raise Refusal(fault.code)
    box.ledger.cancel(payment, asked)
    return Reply(200, body_of(payment, box.clock.now()))


async def _show(box: Box, payment: Payment | None, fault: Fault | None) -> Reply:
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault and fault.kind == "reject":
        raise Refusal(fault.code)
    if payment is None:
        raise Refusal("NOT_FOUND_PAYMENT")
    return Reply(200, body_of(payment, box.clock.now()))


def _transactions(box: Box) -> list[Json]:
    start, end = _date("startDate"), _date("endDate")
    rows = [_row(entry) for entry in box.ledger.entries if start <= entry.at <= end]
    after = request.args.get("startingAfter")
    keys = [row["transactionKey"] for row in rows]
    skip = keys.index(after) + 1 if after in keys else 0
    limit = _whole(request.args.get("limit", "100"))
    if limit is None:
        raise Refusal("INVALID_REQUEST")
    return rows[skip : skip + limit]


def _row(entry: Entry) -> Json:
    wish = entry.payment.wish
    return {
        "mId": "tgen_docs",
        "transactionKey": entry.transaction_key,
        "paymentKey": entry.payment.payment_key,
        "orderId": wish.order_id,
        "method": METHODS[wish.method],
        "customerKey": None,
        "useEscrow": False,
        "receiptUrl": f"{wish.origin}/sandbox/receipts/{entry.payment.payment_key}",
        "status": entry.status,
        "transactionAt": iso(entry.at),
        "currency": "KRW",
        "amount": -entry.amount if entry.kind in {"cancel", "deposit_error"} else entry.amount,
    }


def _date(name: str) -> datetime:
    try:
        at = datetime.fromisoformat(request.args[name])
    except (KeyError, ValueError):
        raise Refusal("INVALID_DATE") from None
    if request.args[name].endswith("Z"):
        raise Refusal("INVALID_DATE")
    return at if at.tzinfo else at.replace(tzinfo=SEOUL)


def _check_key(box: Box) -> str:
    """Read Basic authentication as strictly as Toss does and return the secret key."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Refusal("UNAUTHORIZED_KEY")
    try:
        text = base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("INCORRECT_BASIC_AUTH_FORMAT") from None
    secret, colon, _ = text.partition(":")
    if not colon:
        raise Refusal("INCORRECT_BASIC_AUTH_FORMAT")
    if secret == box.config.secret_key:
        return secret
    # A key of the other family (sk for gsk) is known to Toss, but not for payments of this widget.
    raise Refusal("INVALID_API_KEY" if secret.startswith(("test_sk_", "live_sk_")) else "UNAUTHORIZED_KEY")


async def _json() -> Json:
    try:
        body = json.loads(await request.get_data())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)  # Toss's own sample sends the query string's text, and it works
    return value if isinstance(value, int) and not isinstance(value, bool) else None


async def _broken(box: Box, kind: str, reply: Reply | None) -> Response:
    """Answer as a failing network or server would."""
    if kind.startswith("timeout"):
        await asyncio.sleep(box.config.hang_seconds)
    if kind.startswith("reset"):
        wire.sever()
    if kind == "too_many":
        return wire.html_response(429, "Too Many Requests", headers={"Retry-After": "1"})
    if kind == "truncated" and reply:
        text = json.dumps(reply.body, ensure_ascii=False)
        return Response(text[: len(text) // 2], 200, mimetype="application/json", headers=_trace())
    return wire.html_response(502, "Bad Gateway")


def _with_surprises(reply: Reply) -> Reply:
    body = {
        "newest": {"kind": "나중에 생긴 필드"},
        **reply.body,
        "type": "SOMETHING_NEW",
        "zz": [1, None, "x"],
    }
    return Reply(reply.status, body)


def _response(reply: Reply) -> Response:
    return wire.json_response(reply.body, reply.status, _trace())


def _trace() -> dict[str, str]:
    return {"X-TossPayments-Trace-Id": secrets.token_hex(16)}


def _language() -> str:
    return request.headers.get("Accept-Language", "")
