"""The widget's script and what it asks of the server: the methods to offer, the opening of a payment."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from quart import Blueprint, Response, request

from sandbox.toss import wire
from sandbox.toss.box import Box
from sandbox.toss.codes import sentence
from sandbox.toss.payment import LABELS, Json, Wish

HERE = Path(__file__).parent
ORDER_ID = re.compile(r"[A-Za-z0-9_=-]{6,64}")
LONGEST_NAME = 100
OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Cache-Control": "no-store",
}


def widget_routes(box: Box) -> Blueprint:
    """Return the routes the widget needs inside the shop's page."""
    routes = Blueprint("widget", __name__)

    @routes.get("/v2/standard")
    async def script() -> Response:
        text = (HERE / "widget.js").read_text(encoding="utf-8")
        return Response(text, content_type="text/javascript; charset=utf-8", headers=OPEN_TO_ALL)

    @routes.get("/sandbox/widget")
    async def widget() -> Response:
        if request.args.get("clientKey") != box.config.client_key:
            return _cors_error("UNAUTHORIZED_KEY", 401)
        methods = [{"code": code, "name": name} for code, name in LABELS.items()]
        return wire.json_response({"shop": box.config.shop_name, "methods": methods}, headers=OPEN_TO_ALL)

    @routes.route("/sandbox/payments", methods=["OPTIONS"])
    async def preflight() -> Response:
        return Response("", 204, headers=OPEN_TO_ALL)

    @routes.post("/sandbox/payments")
    async def open_payment() -> Response:
        try:
            asked = json.loads(await request.get_data())
            if asked["clientKey"] != box.config.client_key:
                return _cors_error("UNAUTHORIZED_KEY", 401)
            payment = box.ledger.create(_wish(asked))
        except (ValueError, KeyError, TypeError):
            return _cors_error("INVALID_PARAMETERS", 400)
        url = f"{payment.wish.origin}/sandbox/window/{payment.payment_key}"
        return wire.json_response({"paymentKey": payment.payment_key, "url": url}, 201, OPEN_TO_ALL)

    return routes


def _wish(asked: Json) -> Wish:
    """Check what the widget sent; ValueError for what the real widget would not let through."""
    amount, name, metadata = asked["amount"], str(asked["orderName"]), asked.get("metadata")
    wish = Wish(
        order_id=str(asked["orderId"]),
        order_name=name,
        amount=amount if isinstance(amount, int) and not isinstance(amount, bool) else 0,
        method=str(asked["method"]),
        success_url=_absolute(asked["successUrl"]),
        fail_url=_absolute(asked["failUrl"]),
        customer_name=str(asked.get("customerName") or "홍길동")[:LONGEST_NAME],
        metadata=metadata if isinstance(metadata, dict) else None,
        origin=request.host_url.rstrip("/"),
    )
    named = 0 < len(name) <= LONGEST_NAME
    if wish.amount <= 0 or not named or wish.method not in LABELS or not ORDER_ID.fullmatch(wish.order_id):
        raise ValueError("not a payment request")
    return wish


def _absolute(url: object) -> str:
    parts = urlsplit(str(url))
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.fragment:
        raise ValueError("not an absolute address")
    return str(url)


def _cors_error(code: str, status: int) -> Response:
    return wire.json_response({"code": code, "message": sentence(code)}, status, OPEN_TO_ALL)
