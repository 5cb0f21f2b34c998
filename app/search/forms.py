"""What the address of a search asks for; what is none of the choices is not asked for."""

import re
from dataclasses import replace
from unicodedata import category
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from app.search.article import BANDS
from app.search.index import FACETS, SORTS
from app.search.service import MOST_PAGES, Asked, read_query

MOST_CHARS = 255
PAGE = re.compile(r"[1-9][0-9]?", re.ASCII)


def read_asked(args: "MultiDict[str, str]") -> Asked:
    """Read an address."""
    sort, page = args.get("sort", ""), args.get("page", "")
    chosen: dict[str, str | int] = {}
    for name in FACETS:
        value = args.get(name, "")[:MOST_CHARS]
        if name == "band":
            if value in {str(start) for start in BANDS}:
                chosen[name] = int(value)
        elif value and not any(category(char).startswith("C") for char in value):
            chosen[name] = value
    return Asked(
        read_query(args.get("q", "")),
        sort if sort in SORTS else "",
        chosen,
        min(int(page), MOST_PAGES) if PAGE.fullmatch(page) else 1,
    )


def write_url(asked: Asked) -> str:
    """Return the address that asks for this."""
    words: dict[str, str | int] = {"q": asked.query, "sort": asked.sort, **asked.chosen}
    if asked.page > 1:
        words["page"] = asked.page
    return "/search?" + urlencode({name: value for name, value in words.items() if value != ""})


def choose(asked: Asked, facet: str, value: str | int | None) -> Asked:
    """Return what is asked with one facet chosen, or (None) none of it; the pages begin anew."""
    chosen = {name: one for name, one in asked.chosen.items() if name != facet}
    if value is not None:
        chosen[facet] = value
    return replace(asked, chosen=chosen, page=1)
