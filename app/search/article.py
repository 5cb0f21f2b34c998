"""What the index knows of an article, and the words it is found by; pure."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from app.search import hangul

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as the database stores it
WORD = re.compile(r"[^\W_]+")
# What a name counts at its end is not what it is about: 긴 초 세 자루 is a candle.
COUNTED = re.compile(r"\s(?:한|두|세|네|다섯|여섯|열)\s(?:개|벌|장|쌍|켤레|자루|감개|말이|송이|병|통)$")
# 촛대와 초: "and" is written onto the word before it.
AND = re.compile(r"(?<![\uac00-\ud7a3])(?P<word>[\uac00-\ud7a3]{1,20})[와과] ")
GAP = " | "  # two texts of one field: no phrase reaches across it
SHORTEST_ENDING = 2
BANDS = (0, 10_000, 30_000, 50_000, 100_000)  # where each price band begins, in won
LEAST_OF_SOLD_OUT = 0.75
MOST_OF_SOLD = 0.1


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is searched for: its first option with all its options' labels, stock and sales."""

    article_id: int
    name: str
    category: str
    country: str
    manufacturer: str
    description: str
    price: int
    list_price: int | None
    created_at: datetime
    labels: tuple[str, ...]
    quantity: int
    sold: int

    @property
    def sale(self) -> int:
        """By how many percent its price was lowered."""
        return round(100 - 100 * self.price / self.list_price) if self.list_price else 0

    @property
    def rank(self) -> float:
        """How much better than an equally good match it is: what sells, before what is sold out."""
        liked = min(MOST_OF_SOLD, math.log2(1 + max(self.sold, 0)) / 100)
        return (1.0 if self.quantity > 0 else LEAST_OF_SOLD_OUT) * (1 + liked)


def describe(article: Article) -> dict[str, Any]:
    """Return the fields of an article's document; the schema in index.py says what each is for."""
    name, about = article.name.lower(), (article.category, article.manufacturer, article.country)
    about_words = [word for text in about for word in WORD.findall(text.lower())]
    name_words = [*WORD.findall(name), *(found["word"] for found in AND.finditer(name))]
    subject = WORD.findall(COUNTED.sub("", name))
    spoken = [*name_words, *about_words, *(word for text in article.labels for word in WORD.findall(text))]
    return {
        "article": article.article_id,
        "name": pairs(name),
        "option": GAP.join(pairs(label) for label in article.labels),
        "about": GAP.join(pairs(text) for text in about),
        "story": pairs(article.description),
        "word": " ".join(name_words),
        "subject": subject[-1] if subject else "",
        "ending": " ".join(ending for word in name_words for ending in endings(word)),
        "subject_ending": " ".join(endings("".join(subject))),
        "about_word": " ".join(about_words),
        "initial": GAP.join(pairs(hangul.initials(text)) for text in (name, *about)),
        "initial_word": " ".join(_initial_words(name_words, subject, about_words)),
        "sound": " ".join(_sounds(spoken)),
        "category": article.category,
        "country": article.country,
        "maker": article.manufacturer,
        "band": band_of(article.price),
        "price": article.price,
        "sale": article.sale,
        "made": int((article.created_at - EPOCH).total_seconds()),
        "rank": article.rank,
    }


def pairs(text: str) -> str:
    """Return each two characters side by side, spaces left out: 달빛 머그 is 달빛 빛머 머그."""
    joined = "".join(text.lower().split())
    return " ".join(map("".join, pairwise(joined)))


def endings(word: str) -> list[str]:
    """Return the ends of a word that may be words by themselves: 차주전자 has 주전자, 전자 and 자."""
    return [word[start:] for start in range(max(1, len(word) - 8), len(word))]


def band_of(price: int) -> int:
    """Return where the price band of a price begins, in won."""
    return max(start for start in BANDS if start <= price)


def _initial_words(name_words: list[str], subject: list[str], about_words: list[str]) -> set[str]:
    """Return the initials of words and of their endings, and each word's first consonant."""
    words = {*name_words, *about_words, "".join(subject)}
    found = {hangul.initials(part) for word in words for part in (word, *endings(word)) if len(part) > 1}
    return found | {hangul.initials(word[0]) for word in words if word}


def _sounds(words: list[str]) -> set[str]:
    """Return how words and their endings sound; a whole word once more, marked as one."""
    found: set[str] = set()
    for word in words:
        found.add("^" + hangul.sound(word))
        found.update(hangul.sound(part) for part in (word, *endings(word)) if len(part) >= SHORTEST_ENDING)
    return found
