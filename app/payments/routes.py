"""The doors of paying: the page with Toss's widget, the ways back from it, and Toss's webhook."""

import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import datetime

from quart import Blueprint, Response, ResponseReturnValue, request

from app.core.errors import CommitUnknownError, DatabaseUnavailableError
from app.machines import Machines
from app.orders import service as orders
from app.orders.access import PASS_COOKIE, Visitor
from app.orders.order import Order
from app.orders.view import show
from app.payments import confirm, outcome, service, states, webhooks
from app.payments.confirm import Result
from app.payments.forms import read_arrival, read_failure_code
from app.payments.outcome import Outcome
from app.web import current, htmx, limits, security
from app.web.guards import anyone, outside
from app.web.htmx import Piece, respond

blueprint = Blueprint("payments", __name__)
log = logging.getLogger(__name__)

ANONYMOUS = "@@ANONYMOUS"  # Toss's own word for a shopper without an account
RETRY_SECONDS = "3"
DECIDED = {states.PAID, states.WAITING_FOR_DEPOSIT, states.REVIEW, states.PARTIAL_CANCELED}


@dataclass(frozen=True, slots=True)
class Offer:
    """What the widget is asked to have paid."""

    payment_no: str
    amount: int
    order_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WidgetSettings:
    """What Toss's widget needs to know of us and the shopper."""

    client_key: str
    sdk_url: str
    customer_key: str
    customer_name: str
    customer_phone: str
    success_url: str
    fail_url: str


@blueprint.get("/orders/<order_no>/payment")
@anyone
async def show_payment(order_no: str) -> ResponseReturnValue:
    """Show the page that embeds Toss's widget. An order that cannot be paid (any more) is shown instead."""
    m = current.machines()
    async with m.db.read() as tx:
        order = await orders.read_visible(m, tx, order_no, _visitor())
        payment = await service.read_view(tx, order)
    view = show(order, payment)
    if payment is None or not view.can_pay:
        return htmx.redirect(f"/orders/{order.order_no}")
    security.allow_toss()
    offer = Offer(payment.payment_no, order.total_price, order.name, order.expires_at)
    widget = _widget(m, order, payment.payment_no)
    return await respond("payments/payment.html", order=view, attempt=offer, toss=widget)


@blueprint.get("/payments/toss/return/<payment_no>")
@anyone
async def confirm_return(payment_no: str) -> ResponseReturnValue:
    """Take the shopper back from Toss and confirm. The one GET that changes something; safe to reload."""
    if request.method == "HEAD":  # whoever only looks at a link has not come back
        return await show_outcome(payment_no)
    arrival = read_arrival(request.args)
    try:
        result = await confirm.confirm_return(current.machines(), payment_no, arrival)
    except CommitUnknownError:
        return await _tell(outcome.tell_unknown(payment_no))
    except DatabaseUnavailableError as error:
        log.warning("%s: %s", type(error).__name__, error)
        # Nothing has happened yet, and Toss waits ten minutes: the browser comes back by itself.
        response = await _tell(outcome.tell_unreached(payment_no, request.full_path))
        response.headers.update({"Refresh": RETRY_SECONDS, "Retry-After": RETRY_SECONDS})
        return response
    return await _answer(result)


@blueprint.get("/payments/toss/return/<payment_no>/status")
@anyone
async def show_outcome(payment_no: str) -> ResponseReturnValue:
    """Show how the attempt stands; the page asks until it is decided."""
    return await _answer(await confirm.find_result(current.machines(), payment_no))


@blueprint.get("/payments/toss/failure/<payment_no>")
@anyone
async def show_failure(payment_no: str) -> ResponseReturnValue:
    """Show why the window did not come to a payment. Changes nothing: the attempt can be used again."""
    result = await confirm.find_result(current.machines(), payment_no)
    if result.attempt.status != states.PENDING:
        return await _answer(result)
    code = read_failure_code(request.args)
    may_see = orders.may_see(current.machines(), result.order, _visitor())
    return await _tell(outcome.tell_window(result.attempt, result.order, code, may_see=may_see))


@blueprint.post("/payments/toss/webhook")
@outside(limit=limits.WEBHOOK)
async def receive_webhook() -> ResponseReturnValue:
    """Keep what somebody says about a payment, and answer at once."""
    try:
        await webhooks.receive(current.machines(), await request.get_data(as_text=False))
    except webhooks.BadWebhookError:
        return Response("", 400)
    return Response("", 200)


async def _answer(result: Result) -> ResponseReturnValue:
    may_see = orders.may_see(current.machines(), result.order, _visitor())
    if result.tampered:
        return await _tell(outcome.tell_tampered(result.attempt, result.order, may_see=may_see))
    if may_see and result.attempt.status in DECIDED:
        return htmx.redirect(f"/orders/{result.order.order_no}")
    return await _tell(outcome.tell(result.attempt, result.order, may_see=may_see))


async def _tell(told: Outcome) -> Response:
    return await respond(
        "payments/outcome.html", [Piece("payments/outcome")], status=told.status, outcome=told
    )


def _visitor() -> Visitor:
    """Return what this request shows for itself; a browser without cookies gets none from looking."""
    owner = current.owner() if current.has_cart() else ""
    return Visitor(owner, current.cookie(PASS_COOKIE))


def _widget(m: Machines, order: Order, payment_no: str) -> WidgetSettings:
    back = f"{m.settings.base_url}/payments/toss"
    return WidgetSettings(
        client_key=m.settings.toss_client_key,
        sdk_url=m.settings.toss_sdk_url,
        customer_key=_customer_key(m, order),
        customer_name=order.recipient.recipient_name,
        customer_phone=order.recipient.recipient_phone,
        success_url=f"{back}/return/{payment_no}",
        fail_url=f"{back}/failure/{payment_no}",
    )


def _customer_key(m: Machines, order: Order) -> str:
    """Return the name Toss remembers a member by: always the same, and telling nothing."""
    if order.user_id is None:
        return ANONYMOUS
    seal = hmac.new(m.settings.secret_key.encode(), f"toss\0{order.owner}".encode(), hashlib.sha256)
    return seal.hexdigest()[:40]
