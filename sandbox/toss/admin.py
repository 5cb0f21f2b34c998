"""The sandbox's own desk: payments, webhooks, faults and the clock, as a page and as JSON."""

from collections.abc import Callable

from quart import Blueprint, Response, redirect, render_template, request

from sandbox.toss import wire
from sandbox.toss.box import Box
from sandbox.toss.codes import CODES, Refusal, sentence
from sandbox.toss.faults import CALLS, KINDS, MAGIC_AMOUNTS, read_fault
from sandbox.toss.payment import LABELS, Json, Payment, body_of

SHOWN = 50
STATES = {
    "READY": "결제 전",
    "IN_PROGRESS": "승인 대기",
    "WAITING_FOR_DEPOSIT": "입금 대기",
    "DONE": "결제 완료",
    "CANCELED": "취소",
    "PARTIAL_CANCELED": "부분 취소",
    "ABORTED": "승인 실패",
    "EXPIRED": "만료",
}


def admin_routes(box: Box) -> Blueprint:
    """Return the routes of the desk; it guards nothing, for nothing of value is behind it."""
    routes = Blueprint("admin", __name__, url_prefix="/sandbox")
    _add_desk(routes, box)
    _add_faults(routes, box)

    @routes.post("/payments/<payment_key>/<any(deposit, 'deposit-error', cancel, expire):action>")
    async def act(payment_key: str, action: str) -> Response:
        payment = box.ledger.find(payment_key)
        if payment is None:
            return wire.json_response({"code": "NOT_FOUND_PAYMENT"}, 404)
        try:
            _actions(box)[action](payment)
        except (Refusal, ValueError) as refusal:
            code = refusal.code if isinstance(refusal, Refusal) else "INVALID_REQUEST"
            return await _desk(box, sentence(code), 409)
        return _to_desk()

    @routes.post("/webhooks/<transmission_id>/resend")
    async def resend(transmission_id: str) -> Response:
        box.webhooks.resend(transmission_id)
        return _to_desk()

    return routes


def _add_desk(routes: Blueprint, box: Box) -> None:
    @routes.get("")
    async def desk() -> Response:
        return await _desk(box, "", 200)

    @routes.get("/ledger")
    async def ledger() -> Response:
        box.ledger.expire_old()
        now = box.clock.now()
        return wire.json_response(
            {
                "charges": box.ledger.charged(),
                "kept": box.ledger.kept(),
                "payments": [body_of(payment, now) for payment in box.ledger.payments.values()],
                "webhooks": [
                    {
                        "id": sending.transmission_id,
                        "event": sending.event,
                        "orderId": sending.order_id,
                        "state": sending.state,
                        "attempts": sending.attempts,
                    }
                    for sending in box.webhooks.log
                ],
            }
        )

    @routes.post("/clock")
    async def skip() -> Response:
        asked = await _asked()
        try:
            box.clock.skip(max(0.0, float(str(asked.get("seconds", 0)))))
        except (ValueError, OverflowError):
            return await _refused("숫자를 확인해 주세요.")
        box.ledger.expire_old()
        return _done({"now": box.clock.now().isoformat()}, 200)

    @routes.post("/webhook-url")
    async def webhook_url() -> Response:
        asked = await _asked()
        box.webhooks.url = str(asked.get("url") or "") or None
        return _done({"url": box.webhooks.url}, 200)


def _add_faults(routes: Blueprint, box: Box) -> None:
    @routes.get("/faults")
    async def faults() -> Response:
        return wire.json_response(box.faults.listed())

    @routes.post("/faults")
    async def order() -> Response:
        try:
            number = box.faults.order(read_fault(await _asked()))
        except ValueError as problem:
            return await _refused(str(problem))
        return _done({"id": number}, 201)

    @routes.delete("/faults")
    async def take_all_back() -> Response:
        box.faults.take_back()
        return Response("", 204)

    @routes.post("/faults/<int:number>/removal")
    async def take_back(number: int) -> Response:
        box.faults.take_back(number)
        return _to_desk()


def _actions(box: Box) -> dict[str, Callable[[Payment], None]]:
    def deposit(payment: Payment) -> None:
        box.ledger.deposit(payment)
        wish = payment.wish
        if box.faults.for_webhook("deposit_error", wish.order_id, wish.amount, payment.payment_key):
            box.ledger.deposit_error(payment)

    def cancel(payment: Payment) -> None:
        account = {"bank": "06", "accountNumber": "12345678901234", "holderName": payment.wish.customer_name}
        asked: Json = {"cancelReason": "테스트 화면에서 취소"}
        box.ledger.cancel(payment, {**asked, "refundReceiveAccount": account} if payment.account else asked)

    return {
        "deposit": deposit,
        "deposit-error": box.ledger.deposit_error,
        "cancel": cancel,
        "expire": box.ledger.expire,
    }


async def _desk(box: Box, problem: str, status: int) -> Response:
    box.ledger.expire_old()
    page = await render_template(
        "admin.html",
        problem=problem,
        now=box.clock.now(),
        webhook_url=box.webhooks.url,
        payments=list(box.ledger.payments.values())[: -SHOWN - 1 : -1],
        charged=box.ledger.charged(),
        labels=LABELS,
        states=STATES,
        webhooks=box.webhooks.log[: -SHOWN - 1 : -1],
        faults=box.faults.active,
        kinds=KINDS,
        calls=CALLS,
        codes=sorted(CODES),
        magic=MAGIC_AMOUNTS,
    )
    return Response(
        page, status, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


async def _asked() -> Json:
    """Read a form or JSON alike."""
    if request.is_json:
        body = await request.get_json(silent=True)
        return body if isinstance(body, dict) else {}
    return dict((await request.form).items())


def _done(body: Json, status: int) -> Response:
    """Answer a program in JSON, and a person with the desk."""
    return wire.json_response(body, status) if request.is_json else _to_desk()


async def _refused(message: str) -> Response:
    return wire.json_response({"message": message}, 400)


def _to_desk() -> Response:
    return redirect("/sandbox", 303)  # type: ignore[return-value]
