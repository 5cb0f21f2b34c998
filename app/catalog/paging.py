"""Sorting and keyset paging: a cursor says where the last page ended, so no page counts from the start."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.catalog.product import ProductCard
from app.core.languages import marked

PAGE_SIZE = 24
MOST_CHARS = 64
MOST_NUMBER = 2**63 - 1  # what a BIGINT column holds
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as the database stores it
LAST_US = (datetime.max - EPOCH) // timedelta(microseconds=1)  # noqa: DTZ901 - as above
CURSOR = re.compile(r"([a-z-]{1,12})\.([0-9]{1,19})\.([0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of the list: what it goes by, and which way."""

    key: str
    label: str
    column: str
    descending: bool


NEWEST = Sort("newest", marked("최신순"), "created_at", descending=True)
SORTS = (
    NEWEST,
    Sort("price-up", marked("낮은 가격순"), "price", descending=False),
    Sort("price-down", marked("높은 가격순"), "price", descending=True),
)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a sorted list: the value sorted by, and the product that breaks the tie."""

    value: int | datetime
    product_id: int


def read_sort(key: str) -> Sort:
    """Return the sort of that key, or the newest first."""
    return next((sort for sort in SORTS if sort.key == key), NEWEST)


def write_cursor(sort: Sort, last: ProductCard) -> str:
    """Return the cursor for what comes after a card."""
    value = last.price if sort.column == "price" else (last.created_at - EPOCH) // timedelta(microseconds=1)
    plain = f"{sort.key}.{value}.{last.product_id}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_cursor(sort: Sort, cursor: str) -> Position | None:
    """Return the place a cursor names; None for one that is garbage or of another sort: the first page."""
    if len(cursor) > MOST_CHARS or not re.fullmatch(r"[A-Za-z0-9_-]+", cursor, re.ASCII):
        return None
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    parts = CURSOR.fullmatch(plain)
    if parts is None or parts[1] != sort.key:
        return None
    value, product_id = int(parts[2]), int(parts[3])
    if max(value, product_id) > MOST_NUMBER:
        return None
    if sort.column == "price":
        return Position(value, product_id)
    return Position(EPOCH + timedelta(microseconds=value), product_id) if value <= LAST_US else None
