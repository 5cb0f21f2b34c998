"""The doors to the first page and to its languages."""

from quart import Blueprint, Response, request

from app.catalog import service as catalog
from app.core import languages
from app.core.errors import NotFoundError
from app.web.addresses import local_path
from app.web.current import machines
from app.web.guards import anyone
from app.web.htmx import redirect, respond_to_all
from app.web.language import remember

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@anyone
async def show_home() -> Response:
    """Show the categories, what is new, and what costs less than it did."""
    shelves = await catalog.find_shelves(machines())
    categories = await catalog.find_categories(machines())
    return await respond_to_all(
        "home/home.html", categories=categories, fresh=shelves.fresh, on_sale=shelves.on_sale
    )


@blueprint.get("/languages/<language>")
@anyone
async def choose_language(language: str) -> Response:
    """Remember a language and go back. A link may do that: the cookie is all that changes, and no secret."""
    if language not in languages.NAMES:
        raise NotFoundError(f"language {language}")
    response = redirect(local_path(request.args.get("back", "")) or "/")
    if "prefetch" not in request.headers.get("Sec-Purpose", ""):
        remember(response, language)
    return response
