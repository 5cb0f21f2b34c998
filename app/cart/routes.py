"""The cart's door."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response, g

from app.cart import service
from app.cart.forms import AddLine, SetQuantity, Undo
from app.cart.service import Edited
from app.cart.view import CartView
from app.core.bidi import isolated
from app.core.languages import _, find
from app.machines import Machines
from app.web import current, htmx
from app.web.counter import Errand
from app.web.forms import Fields, read_fields
from app.web.guards import anyone
from app.web.htmx import Piece, Pieces, respond
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
    return await _reply(await _add(current.machines(), current.owner(), await read_fields()))


@blueprint.post("/cart/lines/<int:product_id>")
@anyone
async def set_quantity(product_id: int) -> Response:
    """Set a line's quantity."""
    return await _reply(await _set(current.machines(), current.owner(), await read_fields(), product_id))


@blueprint.post("/cart/lines/<int:product_id>/removal")
@anyone
async def remove_line(product_id: int) -> Response:
    """Take a line out of the cart."""
    return await _reply(await _remove(current.machines(), current.owner(), await read_fields(), product_id))


@blueprint.post("/cart/undo")
@anyone
async def undo() -> Response:
    """Bring back what was removed last."""
    return await _reply(await _undo(current.machines(), current.owner(), await read_fields()))


@dataclass(frozen=True, slots=True)
class _Done:
    """An edit, and how htmx is told of it."""

    edited: Edited
    changed: Pieces


async def _add(m: Machines, owner: str, fields: Fields, _number: int = 0) -> _Done:
    form = AddLine.read(fields)
    edited = await service.add_line(m, owner, form.product_id, form.quantity, form.key)
    line = edited.cart.line(form.product_id)
    name = line.name if line else ""
    link = (_("장바구니 보기"), "/cart")
    ok = Notice("ok", _("‘%(name)s’ 상품을 장바구니에 담았습니다.", name=isolated(find(name))), link)
    said = Notice("warn", edited.note, link) if edited.note else ok
    pieces = (_badge(edited.cart), Piece("cart/key"), Piece("web/notice"))
    return _Done(edited, Pieces(pieces, {"notice": said}))


async def _set(m: Machines, owner: str, fields: Fields, product_id: int) -> _Done:
    form = SetQuantity.read(fields)
    edited = await service.set_quantity(m, owner, product_id, form.quantity)
    line = edited.cart.line(product_id)
    lines = Piece("cart/lines")
    return _tell(edited, lines if line is None else Piece("cart/line", product_id, of=line.shown()))


async def _remove(m: Machines, owner: str, _fields: Fields, product_id: int) -> _Done:
    edited = await service.remove_line(m, owner, product_id)
    return _tell(edited, Piece("cart/lines"), Piece("cart/undo"))


async def _undo(m: Machines, owner: str, fields: Fields, _number: int = 0) -> _Done:
    edited = await service.undo(m, owner, Undo.read(fields).product_id)
    return _tell(edited, Piece("cart/lines"), Piece("cart/undo"))


def _tell(edited: Edited, *changed: Piece) -> _Done:
    """Tell what became of an edit: the changed pieces, and a note if there is one."""
    pieces = (*changed, Piece("cart/totals", of=edited.cart.sums()), _badge(edited.cart))
    what = {"cart": edited.cart, "undo": edited.cart.undo}
    if not edited.note:  # what stands there may be about another line
        return _Done(edited, Pieces(pieces, what))
    notice = Notice("warn", edited.note)
    return _Done(edited, Pieces((*pieces, Piece("web/notice")), {**what, "notice": notice}))


async def _reply(done: _Done) -> Response:
    """Answer an edit: in pieces, or for a plain browser with the cart page it is sent to."""
    current.prolong_guest()
    if htmx.wants_pieces():
        return await htmx.draw_pieces(done.changed.pieces, **done.changed.what)
    if not done.edited.note:
        return htmx.redirect("/cart")
    # A note would be lost on the way: the page itself is the answer, and says what was not done.
    notice = Notice("warn", done.edited.note)
    return await respond("cart/cart.html", status=409, notice=notice, **_show(done.edited.cart))


def _badge(cart: CartView) -> Piece:
    return Piece("cart/badge", of={"count": cart.total_quantity})


def _show(cart: CartView) -> dict[str, Any]:
    g.cart_count = cart.total_quantity
    return {"cart": cart, "count": cart.total_quantity, "undo": cart.undo}


def _at_counter(
    path: re.Pattern[str], edit: Callable[[Machines, str, Fields, int], Awaitable[_Done]]
) -> Errand:
    async def run(m: Machines, owner: str, fields: Fields, number: int) -> Pieces:
        return (await edit(m, owner, fields, number)).changed

    return Errand(path, run)


ERRANDS = (
    _at_counter(re.compile(r"/cart/lines/([1-9][0-9]{0,8})", re.ASCII), _set),
    _at_counter(re.compile(r"/cart/lines", re.ASCII), _add),
    _at_counter(re.compile(r"/cart/lines/([1-9][0-9]{0,8})/removal", re.ASCII), _remove),
    _at_counter(re.compile(r"/cart/undo", re.ASCII), _undo),
)
