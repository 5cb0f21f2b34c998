"""The doors to the search: what was found, and what may be meant while somebody types."""

from dataclasses import dataclass, replace

from quart import Blueprint, Response, request

from app.core.errors import UnavailableError
from app.core.languages import _, marked
from app.search import service
from app.search.article import BANDS
from app.search.forms import choose, read_asked, write_url
from app.search.service import Asked, Results
from app.web import htmx, limits
from app.web.current import machines
from app.web.guards import anyone
from app.web.htmx import Piece, respond

blueprint = Blueprint("search", __name__)

SORT_LABELS = (
    ("", marked("정확한 순")),
    ("newest", marked("최신순")),
    ("price-up", marked("낮은 가격순")),
    ("price-down", marked("높은 가격순")),
    ("sale", marked("할인율순")),
)
FACET_LABELS = (
    ("category", marked("분류")),
    ("band", marked("가격")),
    ("maker", marked("제조사")),
    ("country", marked("원산지")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet, or one order, as a link; that of a chosen value takes it back."""

    label: str
    url: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet: what it is called, and its choices."""

    label: str
    choices: list[Choice]


@blueprint.get("/search")
@anyone(limit=limits.SEARCH)
async def show_results() -> Response:
    """Show what was found; without a query, how to search."""
    asked = read_asked(request.args)
    results = await service.find(machines(), asked)
    found = bool(results.total or results.cards)
    return await respond(
        "search/results.html",
        q=asked.query,
        results=results,
        cards=results.cards,
        sorts=_draw_sorts(asked) if results.total else [],
        facets=_draw_facets(asked, results),
        chosen=bool(asked.chosen),
        all_url=write_url(replace(asked, chosen={}, page=1)),
        next_url=write_url(replace(asked, page=asked.page + 1)) if results.has_next else None,
        categories=[] if found or not asked.query else await service.find_categories(machines()),
    )


@blueprint.get("/search/suggestions")
@anyone(limit=limits.SUGGESTIONS)
async def show_suggestions() -> Response:
    """Say, while somebody types, what may be meant. Without scripts there is only the form."""
    query = service.read_query(request.args.get("q", ""))
    if not htmx.wants_pieces():
        return htmx.redirect(write_url(Asked(query)))  # nosemgrep: redirect-to-what-was-sent - our path
    try:
        suggestions = await service.suggest(machines(), query)
    except UnavailableError:
        suggestions = []  # whoever types has asked for nothing yet
    return await htmx.draw_pieces([Piece("search/suggestions")], suggestions=suggestions)


def _draw_sorts(asked: Asked) -> list[Choice]:
    return [
        Choice(_(label), write_url(replace(asked, sort=key, page=1)), None, key == asked.sort)
        for key, label in SORT_LABELS
    ]


def _draw_facets(asked: Asked, results: Results) -> list[Facet]:
    """Return the facets that have something to choose from."""
    facets = []
    for name, label in FACET_LABELS:
        counts = results.facets.get(name, [])
        if name == "band":
            counts = sorted(counts)
        chosen = asked.chosen.get(name)
        if len(counts) > 1 or chosen is not None:
            facets.append(
                Facet(_(label), [_draw_choice(asked, name, value, count) for value, count in counts])
            )
    return facets


def _draw_choice(asked: Asked, name: str, value: str | int, count: int) -> Choice:
    is_chosen = asked.chosen.get(name) == value
    url = write_url(choose(asked, name, None if is_chosen else value))
    return Choice(_say_band(int(value)) if name == "band" else str(value), url, count, is_chosen)


def _say_band(start: int) -> str:
    """Return a price band in words, by the ten thousand won as people count."""
    place = BANDS.index(start)
    if place == len(BANDS) - 1:
        return _("%(start)s만 원 이상", start=start // 10_000)
    end = BANDS[place + 1] // 10_000
    if not start:
        return _("%(end)s만 원 미만", end=end)
    return _("%(start)s만~%(end)s만 원", start=start // 10_000, end=end)
