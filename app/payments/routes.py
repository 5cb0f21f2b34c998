"""The doors of paying: the page with Toss's widget, the ways back from it, and Toss's webhook."""

import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from quart import Blueprint, Quart, Response, ResponseReturnValue, request
from werkzeug.datastructures import MultiDict

from app.core.errors import CommitUnknownError, DatabaseUnavailableError, NotFoundError
from app.core.languages import marked
from app.infra import qr
from app.machines import Machines
from app.orders import service as orders
from app.orders.access import PASS_COOKIE, PAYMENT_PASS_COOKIE, PAYMENT_PASS_LIFE, Visitor, read_order_no
from app.orders.order import Order
from app.orders.view import OrderView, VirtualAccount, show
from app.payments import confirm, outcome, service, states, webhooks
from app.payments.arrival import Place, Result
from app.payments.forms import read_arrival, read_failure_code
from app.payments.outcome import Outcome, Sight
from app.web import crowd, current, htmx, limits, security
from app.web.guards import anyone, outside
from app.web.htmx import Piece, respond
from app.web.session import set_cookie

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


class HandoverGoneError(NotFoundError):
    """The link has ended, or never was."""

    title = marked("더는 쓸 수 없는 링크입니다")
    default_say = marked(
        "결제를 이어 가는 링크는 잠시만 쓸 수 있습니다. 주문하신 기기에서 새 링크를 받아 주십시오."
    )


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
        order = await orders.read_payable(m, tx, order_no, _visitor())
        payment = await service.read_view(tx, order)
    view, may_see = show(order, payment), orders.may_see(m, order, _visitor())
    if payment is None or not view.can_pay:
        return htmx.redirect(_where_it_stands(view, may_see=may_see))
    security.allow_toss()
    offer = Offer(payment.payment_no, order.total_price, order.name, order.expires_at)
    widget = _widget(m, order, payment.payment_no, may_see=may_see)
    return await respond("payments/payment.html", order=view, attempt=offer, toss=widget, may_see=may_see)


@blueprint.get("/orders/<order_no>/payment/handover")
@anyone
async def show_handover(order_no: str) -> ResponseReturnValue:
    """Show the link by which another device takes the payment over; the page asks how the payment stands."""
    m = current.machines()
    async with m.db.read() as tx:
        order = await orders.read_visible(m, tx, order_no, _visitor())
        payment = await service.read_view(tx, order)
    view = show(order, payment)
    if not view.can_pay:
        return htmx.redirect(f"/orders/{order.order_no}")
    payment_pass, ends_at = orders.issue_payment_pass(m, order)
    link = qr.draw(f"{m.settings.base_url}/payments/handovers/{payment_pass}")
    return await respond(
        "payments/handover.html",
        [Piece("payments/awaited")],
        order=view,
        order_no=order.order_no,
        order_name=order.name,
        link=link,
        ends_at=ends_at,
    )


@blueprint.get("/payments/handovers/<payment_pass>")
@anyone(limit=limits.HANDOVER)
async def show_takeover(payment_pass: str) -> ResponseReturnValue:
    """Show what would be paid here. Looking uses nothing up: messengers look at every link they carry."""
    order, view = await _read_handed_over(payment_pass)
    if not view.can_pay:
        return htmx.redirect(_where_it_stands(view, may_see=False))
    return await respond(
        "payments/takeover.html", order=view, order_name=order.name, payment_pass=payment_pass
    )


@blueprint.post("/payments/handovers/<payment_pass>")
@anyone(limit=limits.HANDOVER)
async def take_over(payment_pass: str) -> ResponseReturnValue:
    """Let this browser pay the order. The pass leaves the address: Toss's script reads that of its page."""
    _, view = await _read_handed_over(payment_pass)
    response = htmx.redirect(f"/orders/{view.order_no}/payment")
    set_cookie(response, PAYMENT_PASS_COOKIE, payment_pass, int(PAYMENT_PASS_LIFE.total_seconds()))
    return response


def take_place(app: Quart, scope: Any) -> bool:
    """Take the place in line of somebody who comes back, and show nothing yet; False: there is none."""
    m: Machines = app.extensions["machines"]
    arrival = read_arrival(MultiDict(parse_qsl(scope["query_string"].decode("latin-1"))))
    payment_no = scope["path"].removeprefix(crowd.PREFIX)
    if arrival is None or scope["method"] != "GET" or "/" in payment_no:
        return False
    if not limits.counts_at_door(app, scope, limits.READS):
        return False
    confirm.take_place(m, payment_no, arrival)
    return True


@blueprint.get("/payments/toss/return/<payment_no>")
@anyone
async def confirm_return(payment_no: str) -> ResponseReturnValue:
    """Take the shopper back from Toss and confirm. The one GET that changes something; safe to reload."""
    if crowd.is_for_all():
        return await _tell(outcome.tell_place(Place("", None), ""))
    if request.method == "HEAD":  # whoever only looks at a link has not come back
        return await show_outcome(payment_no)
    arrival = read_arrival(request.args)
    try:
        result = await crowd.outside(confirm.confirm_return(current.machines(), payment_no, arrival))
    except CommitUnknownError:
        return await _tell(outcome.tell_unknown(payment_no, request.full_path))
    except DatabaseUnavailableError as error:
        log.warning("%s: %s", type(error).__name__, error)
        # Nothing has happened yet, and Toss waits ten minutes: the browser comes back by itself.
        response = await _tell(outcome.tell_unreached(payment_no, request.full_path))
        response.headers.update({"Refresh": RETRY_SECONDS, "Retry-After": RETRY_SECONDS})
        return response
    if isinstance(result, Place):
        return await _tell(outcome.tell_place(result, request.full_path))
    return await _answer(result)


@blueprint.get("/payments/toss/return/<payment_no>/status")
@anyone
async def show_outcome(payment_no: str) -> ResponseReturnValue:
    """Show how the attempt stands; the page asks until it is decided."""
    return await _answer(await crowd.outside(confirm.find_result(current.machines(), payment_no)))


@blueprint.get("/payments/toss/failure/<payment_no>")
@anyone
async def show_failure(payment_no: str) -> ResponseReturnValue:
    """Show why the window did not come to a payment. Changes nothing: the attempt can be used again."""
    result = await confirm.find_result(current.machines(), payment_no)
    if result.attempt.status != states.PENDING:
        return await _answer(result)
    code = read_failure_code(request.args)
    return await _tell(outcome.tell_window(result.attempt, result.order, code, _sight(result.order)))


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
    attempt, order, sight = result.attempt, result.order, _sight(result.order)
    if result.tampered:
        return await _tell(outcome.tell_tampered(attempt, order, sight))
    if result.elsewhere:
        return await _tell(outcome.tell_elsewhere(attempt, order, sight))
    if sight.may_see and attempt.status in DECIDED:
        return htmx.redirect(f"/orders/{order.order_no}")
    account = await _read_account(result, sight)
    if account is not None:
        return await _tell(outcome.tell_deposit(attempt, order, sight, account))
    return await _tell(outcome.tell(attempt, order, sight))


async def _tell(told: Outcome) -> Response:
    return await respond(
        "payments/outcome.html", [Piece("payments/outcome")], status=told.status, outcome=told
    )


def _visitor() -> Visitor:
    """Return what this request shows for itself; a browser without cookies gets none from looking."""
    owner = current.owner() if current.has_cart() else ""
    return Visitor(owner, current.cookie(PASS_COOKIE), current.cookie(PAYMENT_PASS_COOKIE))


def _sight(order: Order) -> Sight:
    m, visitor = current.machines(), _visitor()
    return Sight(orders.may_see(m, order, visitor), orders.may_pay(m, order, visitor))


async def _read_handed_over(payment_pass: str) -> tuple[Order, OrderView]:
    """Return the order that a pass is for. Raises HandoverGoneError."""
    m, visitor = current.machines(), Visitor("", "", payment_pass)
    async with m.db.read() as tx:
        try:
            order = await orders.read_payable(m, tx, read_order_no(payment_pass), visitor)
        except NotFoundError as error:
            raise HandoverGoneError("handover") from error
        return order, show(order, await service.read_view(tx, order))


def _where_it_stands(order: OrderView, *, may_see: bool) -> str:
    """Return the page that says so: the order's own, or, for who only pays, the attempt's."""
    if may_see or order.payment is None:
        return f"/orders/{order.order_no}"
    return f"/payments/toss/return/{order.payment.payment_no}/status"


async def _read_account(result: Result, sight: Sight) -> VirtualAccount | None:
    """Return where a deposit is awaited, for who pays the order and cannot see its page."""
    if result.attempt.status != states.WAITING_FOR_DEPOSIT or not sight.may_pay:
        return None
    async with current.machines().db.read() as tx:
        view = await service.read_view(tx, result.order)
    return view.account if view else None


def _widget(m: Machines, order: Order, payment_no: str, *, may_see: bool) -> WidgetSettings:
    back = f"{m.settings.base_url}/payments/toss"
    return WidgetSettings(
        client_key=m.settings.toss_client_key,
        sdk_url=m.settings.toss_sdk_url,
        customer_key=_customer_key(m, order) if may_see else ANONYMOUS,
        customer_name=order.recipient.recipient_name if may_see else "",
        customer_phone=order.recipient.recipient_phone if may_see else "",
        success_url=f"{back}/return/{payment_no}",
        fail_url=f"{back}/failure/{payment_no}",
    )


def _customer_key(m: Machines, order: Order) -> str:
    """Return the name Toss remembers a member by: always the same, and telling nothing."""
    if order.user_id is None:
        return ANONYMOUS
    seal = hmac.new(m.settings.secret_key.encode(), f"toss\0{order.owner}".encode(), hashlib.sha256)
    return seal.hexdigest()[:40]
