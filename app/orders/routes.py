"""The doors of orders: the list, one order, its receipt, its cancellation, and a guest's way back to it."""

from quart import Blueprint, ResponseReturnValue, request

from app.core.errors import NotFoundError
from app.core.languages import _
from app.core.money import split_vat
from app.orders import service
from app.orders.access import PASS_COOKIE, PASS_LIFE, Visitor
from app.orders.forms import ORDER_NO, Lookup
from app.orders.view import OrderView, show
from app.payments import service as payments
from app.web import current, htmx, limits
from app.web.forms import Fields, read_fields
from app.web.guards import anyone
from app.web.htmx import Piece, respond
from app.web.session import set_cookie

blueprint = Blueprint("orders", __name__)


@blueprint.get("/orders")
@anyone
async def show_orders() -> ResponseReturnValue:
    """Show this shopper's orders, newest first."""
    after = request.args.get("after", "")
    async with current.machines().db.read() as tx:
        page, following = await service.read_page(
            tx, _visitor().owner, after if ORDER_NO.fullmatch(after) else ""
        )
        views = await payments.read_views(tx, page)
    shown = [show(order, views.get(order.order_id)) for order in page]
    next_url = f"/orders?after={following}" if following else None
    return await respond("orders/list.html", orders=shown, next_url=next_url)


@blueprint.get("/orders/lookup")
@anyone
async def show_lookup() -> ResponseReturnValue:
    """Show the form by which a guest finds an order."""
    return await respond("orders/lookup.html", form=Lookup("", ""), errors={})


@blueprint.post("/orders/lookup")
@anyone(limit=limits.LOOK_UP)
async def look_up() -> ResponseReturnValue:
    """Let a guest in who knows the order's number and telephone."""
    fields = await read_fields()
    form = Lookup.read(fields)
    order_pass = None
    if not fields.errors:
        order_pass = await service.look_up(current.machines(), form.order_no, form.phone)
        if order_pass is None:
            fields.fail(
                "order_no", _("주문번호와 휴대전화가 맞는 비회원 주문이 없습니다. 다시 확인해 주십시오.")
            )
    if order_pass is None:
        return await respond("orders/lookup.html", status=422, form=_typed(fields), errors=fields.errors)
    response = htmx.redirect(f"/orders/{form.order_no}")
    set_cookie(response, PASS_COOKIE, order_pass, int(PASS_LIFE.total_seconds()))
    return response


@blueprint.get("/orders/<order_no>")
@anyone
async def show_order(order_no: str) -> ResponseReturnValue:
    """Show one order."""
    return await respond("orders/show.html", order=await _view(order_no))


@blueprint.get("/orders/<order_no>/status")
@anyone
async def show_status(order_no: str) -> ResponseReturnValue:
    """Show how one order stands; its page asks while the payment is undecided."""
    return await respond("orders/show.html", [Piece("orders/status")], order=await _view(order_no))


@blueprint.get("/orders/<order_no>/receipt")
@anyone
async def show_receipt(order_no: str) -> ResponseReturnValue:
    """Show the receipt of a paid order."""
    view = await _view(order_no)
    if view.paid_at is None:
        raise NotFoundError("receipt of an unpaid order", say=_("결제가 끝난 주문만 영수증이 있습니다."))
    supply = split_vat(view.total_price - (view.payment.refunded_amount if view.payment else 0))
    return await respond("orders/receipt.html", order=view, supply_price=supply.supply_price, vat=supply.vat)


@blueprint.post("/orders/<order_no>/cancellation")
@anyone
async def cancel_order(order_no: str) -> ResponseReturnValue:
    """End an order nobody has paid for."""
    m = current.machines()
    await payments.cancel_order(m, await service.find_order(m, order_no, _visitor()))
    return htmx.redirect(f"/orders/{order_no}")


async def _view(order_no: str) -> OrderView:
    m = current.machines()
    async with m.db.read() as tx:
        order = await service.read_visible(m, tx, order_no, _visitor())
        return show(order, await payments.read_view(tx, order))


def _typed(fields: Fields) -> dict[str, str]:
    return {name: fields.sent.get(name, "") for name in ("order_no", "phone")}


def _visitor() -> Visitor:
    """Return what this request shows for itself; a browser without cookies gets none from looking."""
    owner = current.owner() if current.has_cart() else ""
    return Visitor(owner, current.cookie(PASS_COOKIE))
