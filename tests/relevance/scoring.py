"""How well the search answers what shoppers type: queries.toml put to an index of db/catalogue."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from app.search.article import Article
from app.search.index import Question, Reader, Writer
from db.seed import SeedProduct, products

QUERIES = Path(__file__).with_name("queries.toml")
FIRST = 5
FIELDS = {"분류": "category", "제조": "manufacturer", "원산": "country"}


@dataclass(frozen=True)
class Typed:
    """One query of the set: what was typed, what kind it is of, what is expected."""

    query: str
    kind: str
    wants: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What came of a query: the names found, and the place of the first that is wanted (0: none)."""

    typed: Typed
    names: list[str]
    place: int
    precision: float

    @property
    def worth(self) -> float:
        """Return 1 for a wanted article in the first place, a half in the second."""
        return 1 / self.place if self.place else 0.0


@dataclass(frozen=True)
class Score:
    """Of a set of answers: the mean reciprocal rank, and two shares of the first five.

    ``success``: that have something wanted among them. ``precision``: of what could be wanted among them.
    """

    count: int
    mrr: float
    success: float
    precision: float


def read_queries() -> list[Typed]:
    """Return the published queries."""
    kinds = tomllib.loads(QUERIES.read_text(encoding="utf-8")).items()
    return [Typed(query, kind, tuple(wants)) for kind, asked in kinds for query, wants in asked.items()]


def articles() -> list[Article]:
    """Return the catalogue as the index knows it."""
    made = datetime(2026, 11, 1)  # noqa: DTZ001 - naive UTC
    groups = groupby(products(), key=lambda product: product.group or product.name)
    return [
        _article(number, list(options), made - timedelta(minutes=number))
        for number, (_, options) in enumerate(groups, start=1)
    ]


def build(root: Path, catalogue: list[Article]) -> Reader:
    """Return a reader of an index of the catalogue."""
    writer = Writer.begin(root)
    writer.add(catalogue)
    writer.commit("")
    writer.publish()
    return Reader(root)


def answer_all(reader: Reader, catalogue: list[Article]) -> list[Answer]:
    """Put every query to the index."""
    known = {article.article_id: article for article in catalogue}

    def answer(typed: Typed) -> Answer:
        found = reader.search(Question(typed.query)).ids
        return _answer(typed, [known[article_id] for article_id in found], catalogue)

    return [answer(typed) for typed in read_queries()]


def score(answers: list[Answer]) -> Score:
    """Return the score of some answers."""
    count = len(answers)
    return Score(
        count,
        sum(answer.worth for answer in answers) / count,
        sum(0 < answer.place <= FIRST for answer in answers) / count,
        sum(answer.precision for answer in answers) / count,
    )


def worst(answers: list[Answer], count: int) -> list[Answer]:
    """Return the answers that are worth the least."""
    return sorted(answers, key=lambda answer: (answer.worth, answer.precision))[:count]


def _answer(typed: Typed, found: list[Article], catalogue: list[Article]) -> Answer:
    right = [_is_wanted(article, typed.wants) for article in found]
    wanted = sum(_is_wanted(article, typed.wants) for article in catalogue)
    place = right.index(True) + 1 if any(right) else 0
    return Answer(typed, [article.name for article in found], place, sum(right[:FIRST]) / min(FIRST, wanted))


def _is_wanted(article: Article, wants: tuple[str, ...]) -> bool:
    for want in wants:
        field, colon, value = want.partition(":")
        if value == getattr(article, FIELDS[field]) if colon else want in article.name:
            return True
    return False


def _article(number: int, options: list[SeedProduct], made: datetime) -> Article:
    first = options[0]
    return Article(
        article_id=number,
        name=first.name,
        category=first.category,
        country=first.country,
        manufacturer=first.manufacturer,
        description=first.description,
        price=first.price,
        list_price=first.list_price,
        created_at=made,
        labels=tuple(option.option_label for option in options if option.option_label),
        quantity=sum(option.quantity for option in options),
        sold=0,
    )
