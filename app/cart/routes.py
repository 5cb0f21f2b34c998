"""The cart's door."""

from typing import Any

from quart import Blueprint, Response, g

from app.cart import service
from app.cart.forms import AddLine, SetQuantity, Undo
from app.cart.service import Edited
from app.cart.view import CartView
from app.core.bidi import isolated
from app.core.languages import _, find
from app.web import current, htmx
from app.web.forms import read_fields
from app.web.guards import anyone
from app.web.htmx import Piece, respond
from app.web.notice import Notice

blueprint = Blueprint("cart", __name__)


@blueprint.get("/cart")
@anyone
async def show_cart() -> Response:
    """Show the cart."""
    cart = await service.view(current.machines(), current.owner())
    return await respond("cart/cart.html", **_show(cart))


@blueprint.post("/cart/lines")
@anyone
async def add_line() -> Response:
    """Put goods into the cart."""
    form = AddLine.read(await read_fields())
    edited = await service.add_line(
        current.machines(), current.owner(), form.product_id, form.quantity, form.key
    )
    if not htmx.wants_pieces():
        return await _after(edited)
    current.prolong_guest()
    line = edited.cart.line(form.product_id)
    name = line.name if line else ""
    link = (_("장바구니 보기"), "/cart")
    ok = Notice("ok", _("‘%(name)s’ 상품을 장바구니에 담았습니다.", name=isolated(find(name))), link)
    said = Notice("warn", edited.note, link) if edited.note else ok
    pieces = [_badge(edited.cart), Piece("cart/key"), Piece("web/notice")]
    return await htmx.draw_pieces(pieces, notice=said, **_show(edited.cart))


@blueprint.post("/cart/lines/<int:product_id>")
@anyone
async def set_quantity(product_id: int) -> Response:
    """Set a line's quantity."""
    form = SetQuantity.read(await read_fields())
    edited = await service.set_quantity(current.machines(), current.owner(), product_id, form.quantity)
    line = edited.cart.line(product_id)
    changed = Piece("cart/lines") if line is None else Piece("cart/line", product_id, of=line.shown())
    return await _after(edited, changed)


@blueprint.post("/cart/lines/<int:product_id>/removal")
@anyone
async def remove_line(product_id: int) -> Response:
    """Take a line out of the cart."""
    edited = await service.remove_line(current.machines(), current.owner(), product_id)
    return await _after(edited, Piece("cart/lines"), Piece("cart/undo"))


@blueprint.post("/cart/undo")
@anyone
async def undo() -> Response:
    """Bring back what was removed last."""
    form = Undo.read(await read_fields())
    edited = await service.undo(current.machines(), current.owner(), form.product_id)
    return await _after(edited, Piece("cart/lines"), Piece("cart/undo"))


async def _after(edited: Edited, *changed: Piece) -> Response:
    """Answer an edit: the changed pieces, or for a plain browser the cart page it is sent to."""
    current.prolong_guest()
    if not htmx.wants_pieces():
        if not edited.note:
            return htmx.redirect("/cart")
        # A note would be lost on the way: the page itself is the answer, and says what was not done.
        return await respond(
            "cart/cart.html", status=409, notice=Notice("warn", edited.note), **_show(edited.cart)
        )
    pieces = [*changed, Piece("cart/totals"), _badge(edited.cart)]
    if not edited.note:  # what stands there may be about another line
        return await htmx.draw_pieces(pieces, **_show(edited.cart))
    notice = Notice("warn", edited.note)
    return await htmx.draw_pieces([*pieces, Piece("web/notice")], notice=notice, **_show(edited.cart))


def _badge(cart: CartView) -> Piece:
    return Piece("cart/badge", of={"count": cart.total_quantity})


def _show(cart: CartView) -> dict[str, Any]:
    g.cart_count = cart.total_quantity
    return {"cart": cart, "count": cart.total_quantity, "undo": cart.undo}
