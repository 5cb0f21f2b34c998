"""The doors of a member's saved addresses."""

from quart import Blueprint, Response, g
from werkzeug.datastructures import MultiDict

from app.accounts.addresses import service
from app.accounts.addresses.address import Place
from app.accounts.addresses.forms import read_place, typed
from app.accounts.addresses.service import AddressesFullError
from app.web import current, htmx
from app.web.forms import Fields, read_fields
from app.web.guards import member
from app.web.htmx import respond

blueprint = Blueprint("addresses", __name__)

HOME = "/account/addresses"


@blueprint.get("/account/addresses")
@member
async def show_addresses() -> Response:
    """Show the member's addresses."""
    async with current.machines().db.read() as tx:
        addresses = await service.read_addresses(tx, g.shopper.user_id)
    return await respond("accounts/addresses.html", addresses=addresses, most=service.MOST)


@blueprint.get("/account/addresses/new")
@member
async def show_new_address() -> Response:
    """Show the form for another address."""
    return await _draw(Fields(MultiDict()), "", status=200)


@blueprint.post("/account/addresses/new")
@member
async def add_address() -> Response:
    """Keep another address."""
    m, user_id, fields = current.machines(), g.shopper.user_id, await read_fields()
    place = read_place(fields)
    if fields.errors:
        return await _draw(fields, "")
    try:
        await m.db.retrying(lambda tx: service.add_address(tx, user_id, place))
    except AddressesFullError as error:
        fields.fail("recipient_name", error.say)
        return await _draw(fields, "", status=error.status)
    return htmx.redirect(HOME)


@blueprint.get("/account/addresses/<address_no>")
@member
async def show_address(address_no: str) -> Response:
    """Show the form that corrects an address."""
    async with current.machines().db.read() as tx:
        address = await service.read_address(tx, g.shopper.user_id, address_no)
    return await respond("accounts/address.html", form=address.place, address_no=address_no, errors={})


@blueprint.post("/account/addresses/<address_no>")
@member
async def change_address(address_no: str) -> Response:
    """Correct an address."""
    m, user_id, fields = current.machines(), g.shopper.user_id, await read_fields()
    async with m.db.read() as tx:
        await service.read_address(tx, user_id, address_no)
    place = read_place(fields)
    if fields.errors:
        return await _draw(fields, address_no)
    await m.db.retrying(lambda tx: service.change_address(tx, user_id, address_no, place))
    return htmx.redirect(HOME)


@blueprint.post("/account/addresses/<address_no>/default")
@member
async def choose_default(address_no: str) -> Response:
    """Let the checkout begin with this address."""
    m, user_id = current.machines(), g.shopper.user_id
    await m.db.retrying(lambda tx: service.choose_default(tx, user_id, address_no))
    return htmx.redirect(HOME)


@blueprint.post("/account/addresses/<address_no>/removal")
@member
async def remove_address(address_no: str) -> Response:
    """Forget an address."""
    m, user_id = current.machines(), g.shopper.user_id
    await m.db.retrying(lambda tx: service.remove_address(tx, user_id, address_no))
    return htmx.redirect(HOME)


async def _draw(fields: Fields, address_no: str, status: int = 422) -> Response:
    form = typed(fields) if fields.sent else Place("", "", "", "", "")
    return await respond(
        "accounts/address.html", status=status, form=form, address_no=address_no, errors=fields.errors
    )
