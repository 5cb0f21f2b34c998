"""The payment window: what a buyer sees after the widget, where it leads, and the card slip."""

from urllib.parse import urlencode, urlsplit

from quart import Blueprint, Response, redirect, render_template, request

from sandbox.toss.box import Box
from sandbox.toss.codes import sentence
from sandbox.toss.payment import LABELS, Payment, body_of


def window_routes(box: Box) -> Blueprint:
    """Return the routes a buyer's browser sees."""
    routes = Blueprint("window", __name__)

    @routes.get("/sandbox/window/<payment_key>")
    async def show(payment_key: str) -> Response:
        payment = box.ledger.find(payment_key)
        return await _page(box, payment, "window.html", 200 if payment else 404)

    @routes.post("/sandbox/window/<payment_key>")
    async def decide(payment_key: str) -> Response:
        payment = box.ledger.find(payment_key)
        outcome = (await request.form).get("outcome")
        if payment is None:
            return await _page(box, None, "window.html", 404)
        if outcome == "close":
            return await _page(box, payment, "closed.html", 200)
        return await _decided(box, payment, outcome)

    @routes.get("/sandbox/receipts/<payment_key>")
    async def receipt(payment_key: str) -> Response:
        payment = box.ledger.find(payment_key)
        approved = payment and payment.approved_at
        return await _page(box, payment if approved else None, "receipt.html", 200 if approved else 404)

    return routes


async def _decided(box: Box, payment: Payment, outcome: str | None) -> Response:
    """Do what the buyer pressed and send them back with exactly the documented query."""
    wish = payment.wish
    again = outcome == "approve" and payment.authenticated_at and payment.status in {"READY", "IN_PROGRESS"}
    if again:
        return _back(wish.success_url, _success(payment))
    if payment.status != "READY" or payment.authenticated_at:
        return await _page(box, payment, "window.html", 409)
    if outcome == "cancel":
        code = "PAY_PROCESS_CANCELED"
        return _back(wish.fail_url, {"code": code, "message": sentence(code)})
    if outcome == "decline":
        code = "REJECT_CARD_COMPANY"
        box.ledger.authenticate(payment)
        box.ledger.abort(payment, code)
        return _back(wish.fail_url, {"code": code, "message": sentence(code), "orderId": wish.order_id})
    if outcome != "approve":
        return await _page(box, payment, "window.html", 400)
    box.ledger.authenticate(payment)
    if box.faults.for_webhook("webhook_first", wish.order_id, wish.amount, payment.payment_key):
        box.webhooks.announce(payment)
        await box.webhooks.flush()
    return _back(wish.success_url, _success(payment))


def _success(payment: Payment) -> dict[str, str]:
    return {
        "paymentType": "NORMAL",
        "amount": str(payment.wish.amount),
        "orderId": payment.wish.order_id,
        "paymentKey": payment.payment_key,
    }


def _back(url: str, query: dict[str, str]) -> Response:
    joint = "&" if urlsplit(url).query else "?"
    response = redirect(f"{url}{joint}{urlencode(query)}", 303)
    response.headers["Cache-Control"] = "no-store"
    return response  # type: ignore[return-value]


async def _page(box: Box, payment: Payment | None, template: str, status: int) -> Response:
    now = box.clock.now()
    body = body_of(payment, now) if payment else {}
    page = await render_template(
        template, payment=payment, body=body, shop=box.config.shop_name, method=_label(payment)
    )
    homes = " ".join({_origin(payment.wish.success_url), _origin(payment.wish.fail_url)}) if payment else ""
    policy = (
        f"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self' {homes}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(page, status, content_type="text/html; charset=utf-8", headers=headers)


def _label(payment: Payment | None) -> str:
    return LABELS[payment.wish.method] if payment else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
