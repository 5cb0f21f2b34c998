"""The door to the first page."""

from quart import Blueprint, Response

from app.catalog import service as catalog
from app.web.current import machines
from app.web.guards import anyone
from app.web.htmx import respond

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@anyone
async def show_home() -> Response:
    """Show the categories, what is new, and what costs less than it did."""
    shelves = await catalog.find_shelves(machines())
    categories = await catalog.find_categories(machines())
    return await respond(
        "home/home.html", categories=categories, fresh=shelves.fresh, on_sale=shelves.on_sale
    )
