"""The door by which a member leaves for good."""

from contextlib import suppress

from quart import Blueprint, Response, g
from werkzeug.datastructures import MultiDict

from app.accounts import service
from app.accounts.closure.service import UnsettledError, close, find_obstacle
from app.accounts.routes import is_proven, prove_again
from app.cart import service as carts
from app.core.clock import epoch_us
from app.core.errors import UnavailableError
from app.core.languages import _
from app.infra.db import Tx
from app.orders import service as orders
from app.payments import service as payments
from app.web import current, htmx, limits
from app.web.forms import Fields, read_fields
from app.web.guards import anyone, member
from app.web.htmx import respond
from app.web.session import let_out

blueprint = Blueprint("closure", __name__)

OBSTACLES = (orders.find_obstacle, payments.find_obstacle)


@blueprint.get("/account/closure")
@member
async def show_closure() -> Response:
    """Say what closing the account means, or why it must wait."""
    return await _draw(Fields(MultiDict()), status=200)


@blueprint.post("/account/closure")
@member(limit=limits.LOG_IN)
async def close_account() -> Response:
    """Close the account for good."""
    m, fields = current.machines(), await read_fields()
    if not fields.ticked("confirmed"):
        fields.fail("confirmed", _("안내를 읽으셨으면 확인란에 표시해 주십시오."))
    user = await prove_again(fields)
    if user is None:
        return await _draw(fields)
    try:
        await close(m, user.user_id, OBSTACLES, _discard_cart)
    except UnsettledError:
        return await _draw(fields, status=409)
    with suppress(UnavailableError):  # the database's watermark empties it whenever it is loaded
        await carts.clear_paid_hot(m, f"u:{user.user_id}", epoch_us(m.clock.now()))
    response = htmx.redirect("/account-closed")
    let_out(response)
    return response


@blueprint.get("/account-closed")
@anyone
async def show_closed() -> Response:
    """Say goodbye."""
    return await respond("accounts/closed.html")


async def _discard_cart(tx: Tx, user_id: int) -> None:
    await carts.clear_paid(tx, f"u:{user_id}", epoch_us(tx.clock.now()))


async def _draw(fields: Fields, status: int = 422) -> Response:
    async with current.machines().db.read() as tx:
        user = await service.read_member(tx, g.shopper.user_id)
        obstacle = await find_obstacle(tx, user, OBSTACLES)
        asks_password = not await is_proven(tx)
    return await respond(
        "accounts/closure.html",
        status=status,
        obstacle=obstacle,
        asks_password=asks_password or "password" in fields.errors,
        ticked=fields.ticked("confirmed"),
        errors=fields.errors,
    )
