"""What can be searched for."""

import re
import unicodedata
from dataclasses import dataclass

from app.catalog import service as catalog
from app.catalog.product import ProductCard
from app.machines import Machines
from app.search import store

PAGE_SIZE = 24
MOST_CHARS = 100
MOST_WORDS = 8
NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found; ``next_id`` is where the next page starts (0: there is none)."""

    cards: list[ProductCard]
    next_id: int


def read_query(typed: str) -> str:
    """Return what was typed as we search for it: NFC, single spaces, of bearable length."""
    return " ".join(unicodedata.normalize("NFC", typed).split())[:MOST_CHARS].strip()


async def find(m: Machines, query: str, after: str) -> Results:
    """Return the articles that have every word of the query; an empty query finds nothing."""
    words = query.split()[:MOST_WORDS]
    if not words:
        return Results([], 0)
    async with m.db.read() as tx:
        ids = await store.select_matches(tx, words, _read_after(after), PAGE_SIZE + 1)
        cards = await catalog.read_cards(tx, ids[:PAGE_SIZE])
    return Results(cards, ids[PAGE_SIZE - 1] if len(ids) > PAGE_SIZE else 0)


def _read_after(after: str) -> int:
    return int(after) if re.fullmatch(r"[0-9]{1,18}", after, re.ASCII) else NO_END
