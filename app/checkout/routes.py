"""The doors of the checkout: the form, the page to check it on, the order."""

from collections.abc import Mapping
from dataclasses import asdict

from quart import Blueprint, ResponseReturnValue, g, request
from werkzeug.datastructures import MultiDict

from app.cart import service as carts
from app.cart.view import CartView
from app.checkout import service
from app.checkout.forms import read_recipient, read_seen_total, typed, wants_address_kept
from app.checkout.service import BUSY, EMPTY, MOVED, ORDERER, PLACED, SHORT, Buyer, Placing, Saved
from app.core.languages import _, marked
from app.orders.order import Recipient
from app.web import current, htmx, limits
from app.web.forms import Fields, read_fields
from app.web.guards import anyone
from app.web.htmx import respond
from app.web.notice import Notice

blueprint = Blueprint("checkout", __name__)

SHORT_NOTE = marked(
    "그사이 품절되었거나 수량이 모자란 상품이 있습니다. 주문하지 않았습니다. 표시된 상품을 확인해 주십시오."
)
MOVED_NOTE = marked("그사이 결제 금액이 바뀌었습니다. 아직 주문하지 않았습니다. 바뀐 금액을 확인해 주십시오.")


@blueprint.get("/checkout")
@anyone
async def show_form() -> ResponseReturnValue:
    """Show the form, with what is known already."""
    wanted = request.args.get("address", "")
    cart, saved, recipient = await service.begin(current.machines(), _buyer(), wanted)
    g.cart_count = cart.total_quantity
    if not cart.can_checkout:  # empty, or the cart's page says what is missing
        return htmx.redirect("/cart")
    return await _show_form(Fields(MultiDict()), cart, saved, asdict(recipient))


@blueprint.post("/checkout")
@anyone(limit=limits.CHECKOUT)
async def place_order() -> ResponseReturnValue:
    """Take the form to the review page, and the reviewed order to its payment."""
    fields = await read_fields()
    recipient = read_recipient(fields)
    if fields.errors or "edit" in fields.sent or "confirmed" not in fields.sent:
        return await _review(fields, recipient)
    seen_total = read_seen_total(fields)
    if fields.errors:  # no page of ours sends this: show the review page again
        return await _review(Fields(fields.sent), recipient)
    placing = await service.place_order(current.machines(), _buyer(), recipient, seen_total)
    keep = wants_address_kept(fields)
    if placing.outcome == PLACED and keep:
        await service.keep_address(current.machines(), _buyer(), recipient)
    return await _answer(placing, recipient, keep=keep)


async def _review(fields: Fields, recipient: Recipient) -> ResponseReturnValue:
    """Show the form again where something is wrong or to be edited, else the order to check."""
    cart, saved = await service.quote(current.machines(), _buyer())
    if not cart.lines:
        return htmx.redirect("/cart")
    if fields.errors or "edit" in fields.sent:
        if "edit" in fields.sent:
            fields.errors.clear()
        return await _show_form(fields, cart, saved, typed(fields))
    if not cart.can_checkout:
        return await _show_cart()
    return await _show_review(recipient, cart, keep=wants_address_kept(fields))


async def _show_form(
    fields: Fields, cart: CartView, saved: Saved, form: Mapping[str, str]
) -> ResponseReturnValue:
    """Show the form, with what the member may choose instead of typing."""
    return await respond(
        "checkout/form.html",
        status=422 if fields.errors else 200,
        form=form,
        errors=fields.errors,
        cart=cart,
        saved=saved,
        orderer=ORDERER,
        keep_address=wants_address_kept(fields),
    )


async def _answer(placing: Placing, recipient: Recipient, *, keep: bool) -> ResponseReturnValue:
    if placing.outcome == EMPTY:
        return htmx.redirect("/cart")
    if placing.outcome == SHORT:
        return await _show_cart()
    if placing.outcome == MOVED:
        moved = Notice("warn", _(MOVED_NOTE))
        return await _show_review(recipient, placing.cart, keep=keep, status=409, notice=moved)
    if placing.outcome == BUSY:
        return await _show_busy(placing.order_no)
    return htmx.redirect(f"/orders/{placing.order_no}/payment")


async def _show_review(
    recipient: Recipient, cart: CartView, *, keep: bool, status: int = 200, notice: Notice | None = None
) -> ResponseReturnValue:
    return await respond(
        "checkout/review.html",
        status=status,
        form=recipient,
        cart=cart,
        seen_total=cart.total_price,
        keep_address=keep,
        notice=notice,
    )


async def _show_cart() -> ResponseReturnValue:
    """Show the cart, where each line says what is wrong with it."""
    cart = await carts.view(current.machines(), current.owner())
    return await respond("cart/cart.html", status=409, cart=cart, notice=Notice("warn", _(SHORT_NOTE)))


async def _show_busy(order_no: str) -> ResponseReturnValue:
    return await respond(
        "errors/error.html",
        status=409,
        title=_("결제를 확인하고 있는 주문이 있습니다"),
        sentence=_("먼저 하신 주문의 결제가 끝나지 않았습니다. 그 주문을 확인하신 뒤 새로 주문해 주십시오."),
        support_code="",  # nothing failed: there is nothing to look up in the log
        typed=[],
        actions=[(_("주문 보기"), f"/orders/{order_no}"), (_("장바구니"), "/cart")],
    )


def _buyer() -> Buyer:
    shopper = g.get("shopper")
    if shopper is None:
        return Buyer(current.owner(), None, None, "")
    return Buyer(current.owner(), shopper.user_id, shopper.signup_id, shopper.name)
