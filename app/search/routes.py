"""The door to the search."""

from urllib.parse import urlencode

from quart import Blueprint, Response, request

from app.search import service
from app.web import limits
from app.web.current import machines
from app.web.guards import anyone
from app.web.htmx import respond

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@anyone(limit=limits.SEARCH)
async def show_results() -> Response:
    """Show what was found; without a query, how to search."""
    q = service.read_query(request.args.get("q", ""))
    results = await service.find(machines(), q, request.args.get("after", ""))
    following = urlencode({"q": q, "after": results.next_id})
    next_url = f"/search?{following}" if results.next_id else None
    return await respond("search/results.html", q=q, cards=results.cards, next_url=next_url)
