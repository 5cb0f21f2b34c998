"""The search index: an article is a document. One process writes it, all of a machine read it in place."""

import functools
import hashlib
import logging
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version as release
from pathlib import Path
from typing import Any, TypeVar

from tantivy import Document, Index, Order, Query, Schema, SchemaBuilder, Searcher, SearchResult

from app.search import article, hangul, matching, reading
from app.search.article import Article, describe
from app.search.matching import Matcher

CURRENT = "current"  # names the folder that is read now
SUSPECT = "suspect"  # a reader stumbled over it: whoever writes it compares every file with its checksum
FOLLOWED = "followed"  # in a folder: up to when it has what the database had
FOOTER, MAGIC = 8, 1337  # a file ends with a JSON of its checksum, that one's length and this number
CHUNK = 1 << 20
HEAP = 15_000_000  # the least that tantivy writes with
BUILD_HEAP = 60_000_000
MOST_FACETS = 12
FACETS = ("category", "country", "maker", "band")

T = TypeVar("T")
log = logging.getLogger(__name__)


class IndexUnusableError(Exception):
    """The index is missing, broken or of another version."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for; ``chosen`` has a value for each facet that was chosen."""

    query: str
    sort: str = ""
    chosen: dict[str, str | int] = field(default_factory=dict)
    offset: int = 0
    limit: int = 24


@dataclass(frozen=True, slots=True)
class Found:
    """The articles of one page, best first, how many there are, and how many of them have each facet's value.

    ``words`` are what was looked for, maybe not what was typed. ``kind`` says how it was found: ``exact``,
    ``near`` (some word is a letter off) or ``partly`` (some word, or the beginning of one, is missing).
    """

    ids: list[int]
    total: int
    facets: dict[str, list[tuple[str, int]]]
    words: tuple[str, ...]
    kind: str


SORTS = {
    "newest": ("made", Order.Desc),
    "price-up": ("price", Order.Asc),
    "price-down": ("price", Order.Desc),
    "sale": ("sale", Order.Desc),
}


def build_schema() -> Schema:
    """Return what a document has. Texts are pairs of characters in their places: a phrase is a piece."""
    builder = SchemaBuilder()
    builder.add_integer_field("article", indexed=True, fast=True)
    for name in ("name", "option", "about", "story", "initial"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    # Whole words: of the name, the one it is about, what words end with; what they sound like.
    words = ("word", "subject", "ending", "subject_ending", "about_word", "initial_word", "sound")
    for name in words:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    for name in ("category", "country", "maker"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in ("band", "price", "sale", "made"):
        builder.add_integer_field(name, indexed=name == "band", fast=True)
    builder.add_float_field("rank", fast=True)
    return builder.build()


@functools.cache
def version() -> str:
    """Return which index this code can read: another release of it, or of tantivy, builds its own."""
    sources = [Path(module.__file__ or "") for module in (article, hangul)] + [Path(__file__)]
    content = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(content + release("tantivy").encode()).hexdigest()[:12]


class Reader:
    """Reads the index of a folder, whichever that is at the moment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: tuple[Any, ...] = ()
        self._index: Index | None = None
        self._folder = root

    def search(self, question: Question) -> Found:
        """Return what a question finds. Raises IndexUnusableError: ask the database then."""
        return self._ask(lambda asking: asking.answer(question))

    def suggest(self, query: str, limit: int) -> list[int]:
        """Return the articles whose names somebody may be typing. Raises IndexUnusableError."""
        return self._ask(lambda asking: asking.suggest(query, limit))

    def _ask(self, ask: "Callable[[_Asking], T]") -> T:
        try:
            return ask(_Asking(self._open()))
        except IndexUnusableError:
            raise
        except BaseException as error:
            if not is_broken(error):
                raise
            self._index, self._seen = None, ()
            (self.root / SUSPECT).touch()
            log.error("the search index may be broken: %s", error)  # noqa: TRY400 - where in Rust, tells nobody anything
            raise IndexUnusableError(str(error)) from error

    def _open(self) -> Searcher:
        try:
            mark = (self.root / CURRENT).stat()
            if self._seen[:1] != (mark.st_mtime_ns,):
                self._folder = current_folder(self.root)
                self._index = Index.open(str(self._folder))
                self._index.config_reader("manual")
                self._seen = ()
            meta = (self._folder / "meta.json").stat()
        except OSError as error:
            self._index, self._seen = None, ()
            raise IndexUnusableError(str(error)) from error
        assert self._index is not None  # noqa: S101 - opened above, or seen before
        seen = (mark.st_mtime_ns, meta.st_mtime_ns, meta.st_ino)
        if self._seen != seen:
            self._index.reload()
            self._seen = seen
        return self._index.searcher()


class Writer:
    """Writes the index of a folder. Only one process of a machine can have it."""

    def __init__(self, root: Path, folder: Path, heap: int) -> None:
        self._root = root
        self.folder = folder
        self._writer = Index.open(str(folder)).writer(heap, 1)

    @classmethod
    def resume(cls, root: Path) -> "Writer":
        """Go on with the index that is there. Raises IndexUnusableError."""
        (root / SUSPECT).unlink(missing_ok=True)
        folder = current_folder(root)
        for path in folder.iterdir():
            _check(path)
        try:
            Index.open(str(folder)).searcher()  # are all files there?
            return cls(root, folder, HEAP)
        except BaseException as error:
            if not is_broken(error):
                raise
            raise IndexUnusableError(str(error)) from error

    @classmethod
    def begin(cls, root: Path) -> "Writer":
        """Begin a new index beside the one that is read."""
        folder = root / f"{version()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        Index(build_schema(), str(folder))
        return cls(root, folder, BUILD_HEAP)

    def is_trusted(self) -> bool:
        """Whether this is still the index that is read, and nobody stumbled over it."""
        try:
            return current_folder(self._root) == self.folder and not (self._root / SUSPECT).exists()
        except IndexUnusableError:
            return False

    def put(self, articles: Iterable[Article], gone: Iterable[int] = ()) -> None:
        """Replace articles, and forget those that are gone; nobody sees it before the commit."""
        for article_id in gone:
            self._writer.delete_documents_by_term("article", article_id)
        for one in articles:
            self._writer.delete_documents_by_term("article", one.article_id)
            self._writer.add_document(Document(**describe(one)))

    def add(self, articles: Iterable[Article]) -> None:
        """Add articles to an index that is being built."""
        for one in articles:
            self._writer.add_document(Document(**describe(one)))

    def commit(self, followed: str) -> None:
        """Let everybody see what was put; ``followed``: up to when it has what the database had."""
        self._writer.commit()
        replace_file(self.folder / FOLLOWED, followed)

    def publish(self) -> "Writer":
        """Have this index read from now on, and the others thrown away; return who goes on with it."""
        self._writer.wait_merging_threads()
        replace_file(self._root / CURRENT, self.folder.name)
        for other in self._root.iterdir():
            if other.is_dir() and other != self.folder:
                shutil.rmtree(other, ignore_errors=True)  # who has it mapped keeps it until it lets go
        return Writer(self._root, self.folder, HEAP)


def current_folder(root: Path) -> Path:
    """Return the folder that is read now. Raises IndexUnusableError for none, or one of another version."""
    try:
        name = (root / CURRENT).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise IndexUnusableError(str(error)) from error
    folder = root / name
    if not name.startswith(f"{version()}-") or folder.parent != root or not folder.is_dir():
        raise IndexUnusableError(f"{name[:100]} is not of this version")
    return folder


def read_followed(folder: Path) -> str:
    """Return up to when the index has what the database had. Raises IndexUnusableError."""
    try:
        return (folder / FOLLOWED).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise IndexUnusableError(str(error)) from error


def replace_file(path: Path, content: str) -> None:
    """Write a small file whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_text(content, encoding="ascii")
    new.replace(path)


def is_broken(error: BaseException) -> bool:
    """Whether this is how tantivy says that its files are broken: an error, or a panic of Rust's."""
    broken = isinstance(error, ValueError | OSError) and not isinstance(error, UnicodeError)
    return broken or type(error).__name__ == "PanicException"


def _check(path: Path) -> None:
    """Compare a file with its checksum. Raises IndexUnusableError."""
    if path.suffix.lstrip(".") not in {"fast", "fieldnorm", "idx", "pos", "store", "term", "del"}:
        return
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - FOOTER))
        end = file.read()
        length, magic = int.from_bytes(end[:4], "little"), int.from_bytes(end[4:], "little")
        body = size - FOOTER - length
        if magic != MAGIC or body < 0:
            raise IndexUnusableError(f"{path.name} is cut off")
        file.seek(body)
        footer = file.read(length)
        file.seek(0)
        checksum = 0
        while body:
            chunk = file.read(min(CHUNK, body))
            checksum = zlib.crc32(chunk, checksum)
            body -= len(chunk)
    if f'"crc":{checksum}'.encode() not in footer:
        raise IndexUnusableError(f"{path.name} is not what was written")


class _Asking:
    """One question put to the index as it is at one moment."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._schema = build_schema()
        self._matcher = Matcher(self._schema)

    def answer(self, question: Question) -> Found:
        """Return what the likeliest reading of the query finds that finds anything."""
        filters = {name: self._matcher.is_(name, value) for name, value in question.chosen.items()}
        for query, words, kind in self._readings(question.query):
            result = self._search(matching.all_of([query, *filters.values()]), question)
            # What the filters leave nothing of was understood nevertheless.
            if result.count or (filters and self._finds(query)):  # type: ignore[attr-defined]  # its stub forgets it
                ids = self._searcher.fast_field_values("article", [address for _, address in result.hits])
                facets = self._count(query, filters)
                total = int(result.count)  # type: ignore[attr-defined]  # as above
                return Found([int(one or 0) for one in ids], total, facets, words, kind)
        return Found([], 0, {name: [] for name in FACETS}, (), "nothing")

    def _search(self, query: Query, question: Question) -> SearchResult:
        order, way = SORTS.get(question.sort, (None, Order.Desc))
        return self._searcher.search(
            query,
            question.limit,
            offset=question.offset,
            order_by_field=order,
            order=way,
            weight_by_field=None if order else "rank",
        )

    def suggest(self, query: str, limit: int) -> list[int]:
        """Return the best articles for what may be half a query, as typed or with other keys."""
        for words in reading.readings(query):
            result = self._searcher.search(
                self._matcher.all_of(words), limit, count=False, weight_by_field="rank"
            )
            if result.hits:
                ids = self._searcher.fast_field_values("article", [address for _, address in result.hits])
                return [int(one or 0) for one in ids]
        return []

    def _readings(self, text: str) -> Iterator[tuple[Query, tuple[str, ...], str]]:
        """Give what the query may mean, the likeliest first; what is asked no more of costs nothing."""
        ways = reading.readings(text)
        for words in ways:
            yield self._matcher.all_of(words), words, "exact"
        for words in ways:
            yield matching.all_of([self._near(word) for word in words]), words, "near"
        for words in ways:
            partly = [clause for clause in map(self._partly, words) if self._finds(clause)]
            for least in range(min(len(partly), len(words) - 1) or len(partly), 0, -1):
                yield matching.some_of(partly, least), words, "partly"

    def _near(self, word: str) -> Query:
        """Return a word's clause, or what is nearly that word where it finds nothing."""
        clause = self._matcher.word(word)
        return clause if self._finds(clause) else self._matcher.nearly(word)

    def _partly(self, word: str) -> Query:
        """Return the same, or what the end of a word is where neither finds anything: 전지가위 are 가위."""
        clause = self._near(word)
        if self._finds(clause):
            return clause
        ends = (self._matcher.subject(end) for end in article.endings(word) if reading.may_be_a_thing(end))
        return next(filter(self._finds, ends), clause)

    def _finds(self, query: Query) -> bool:
        return bool(self._searcher.search(query, 1, count=False).hits)

    def _count(self, query: Query, filters: dict[str, Query]) -> dict[str, list[tuple[str, int]]]:
        """Count each facet's values among what the other facets leave."""
        counted: dict[str, list[tuple[str, int]]] = {}
        free = [name for name in FACETS if name not in filters]
        for names in [free, *([name] for name in filters)]:
            others = [clause for name, clause in filters.items() if name not in names]
            terms = {name: {"terms": {"field": name, "size": MOST_FACETS}} for name in names}
            answer = self._searcher.aggregate(matching.all_of([query, *others]), terms)
            for name in names:
                buckets = answer[name]["buckets"]
                counted[name] = [(bucket["key"], bucket["doc_count"]) for bucket in buckets]
        return counted
