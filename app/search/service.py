"""What can be searched for, and how the index is kept."""

import asyncio
import logging
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from app.catalog import service as catalog
from app.catalog.product import ProductCard
from app.infra import metrics
from app.machines import Machines
from app.search import store
from app.search.following import Follower
from app.search.index import IndexUnusableError, Question, Reader
from app.search.reading import MOST_WORDS

PAGE_SIZE = 24
MOST_PAGES = 40
MOST_CHARS = 100
MOST_UNREAD = 400  # more than anybody types is not even looked at
MOST_SUGGESTIONS = 6
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a shopper asks: the query, the order, a value for each facet that was chosen, which page."""

    query: str
    sort: str = ""
    chosen: dict[str, str | int] = field(default_factory=dict)
    page: int = 1


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found. ``total`` is None when the database was asked: it does not count.

    ``read_as`` is what was looked for where that is not what was typed. ``kind`` is the index's (``exact``,
    ``near``, ``partly``, ``nothing``).
    """

    cards: list[ProductCard]
    has_next: bool
    total: int | None = None
    facets: dict[str, list[tuple[str | int, int]]] = field(default_factory=dict)
    read_as: str = ""
    kind: str = "exact"


def read_query(typed: str) -> str:
    """Return what was typed as we search for it: NFC, printable, single spaces, of bearable length."""
    plain = unicodedata.normalize("NFC", typed[:MOST_UNREAD])
    shown = "".join(" " if unicodedata.category(char).startswith("C") else char for char in plain)
    return " ".join(shown.split())[:MOST_CHARS].strip()


async def find(m: Machines, asked: Asked) -> Results:
    """Return what the index found or, while there is none, the database. Raises UnavailableError."""
    if not asked.query:
        return Results([], has_next=False)
    offset = (asked.page - 1) * PAGE_SIZE
    question = Question(asked.query, asked.sort, asked.chosen, offset, PAGE_SIZE)
    try:
        found = await m.keep(_Search).ask(lambda reader: reader.search(question))
    except IndexUnusableError as error:
        log.debug("the database is searched: %s", error)
        metrics.searches.labels("database").inc()
        return await _find_in_database(m, asked.query, offset)
    metrics.searches.labels(found.kind).inc()
    async with m.db.read() as tx:
        cards = await catalog.read_cards(tx, found.ids)
    words = " ".join(found.words)
    return Results(
        cards,
        has_next=found.total > offset + PAGE_SIZE and asked.page < MOST_PAGES,
        total=found.total,
        facets={name: list(values) for name, values in found.facets.items()},
        read_as="" if words == asked.query.lower() else words,
        kind=found.kind,
    )


async def suggest(m: Machines, query: str) -> list[ProductCard]:
    """Return a few articles that somebody may be typing the name of. Raises UnavailableError."""
    if not query:
        return []
    try:
        ids = await m.keep(_Search).ask(lambda reader: reader.suggest(query, MOST_SUGGESTIONS))
    except IndexUnusableError:
        return []
    async with m.db.read() as tx:
        return await catalog.read_cards(tx, ids)


async def find_categories(m: Machines) -> list[str]:
    """Return where else somebody may look who found nothing."""
    return await catalog.find_categories(m)


async def follow(m: Machines) -> None:
    """Bring this machine's index up to date, or build it. Raises UnavailableError."""
    await m.keep(Follower).follow()


async def let_go(m: Machines) -> None:
    """Let another process of this machine follow: this one ends."""
    await m.keep(Follower).let_go()


class _Search:
    """The index as this process reads it, in a thread of its own: tantivy lets the loop go on meanwhile."""

    def __init__(self, m: Machines) -> None:
        self._reader = Reader(m.settings.data_path / "search")
        self._thread = ThreadPoolExecutor(1, "search")

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """Return the answer to a question. Raises IndexUnusableError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._reader)


async def _find_in_database(m: Machines, query: str, offset: int) -> Results:
    words = query.split()[:MOST_WORDS]
    async with m.db.read() as tx:
        ids = await store.select_matches(tx, words, offset, PAGE_SIZE + 1)
        cards = await catalog.read_cards(tx, ids[:PAGE_SIZE])
    return Results(cards, has_next=len(ids) > PAGE_SIZE)
