"""The seeded catalogue: what 마당 sells on its first day, and as much more as a benchmark wants."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).with_name("catalogue")
STEP = 500  # won between two rounds of the same article
STEPS = 7


@dataclass(frozen=True, slots=True)
class SeedProduct:
    """One row of the shelf; the products of one group are the options of one article."""

    name: str
    category: str
    country: str
    manufacturer: str
    price: int
    list_price: int | None
    quantity: int
    description: str
    group: str | None
    option_label: str | None
    image: str
    kind: str  # what the picture shows, and in which colour, form and size
    tone: str
    form: int
    size: float
    look: int  # the article's place in the catalogue; it chooses the scene


def products() -> Iterator[SeedProduct]:
    """Give the catalogue, category by category, in the order of its files."""
    look = 0
    for page in sorted(CATALOGUE.glob("*.toml")):
        sheet = tomllib.loads(page.read_text(encoding="utf-8"))
        prefix = page.stem.partition("-")[2]
        for number, article in enumerate(sheet["articles"], start=1):
            yield from _siblings(sheet, article, f"{prefix}-{number:02d}", look)
            look += 1


def many(n: int) -> Iterator[SeedProduct]:
    """Give `n` products: the catalogue, then the catalogue again under new numbers."""
    base = list(products())
    rounds, rest = divmod(n, len(base))
    yield from base[: n if not rounds else None]
    for turn in range(1, rounds + 1):
        for product in base if turn < rounds else base[:rest]:
            yield _numbered(product, turn)


def _siblings(sheet: dict[str, Any], article: dict[str, Any], key: str, look: int) -> Iterator[SeedProduct]:
    options = article.get("options")
    for place, option in enumerate(options or [{}], start=1):
        picture = article["picture"] | option
        yield SeedProduct(
            name=article["name"],
            category=sheet["category"],
            country=sheet["makers"][article["maker"]],
            manufacturer=article["maker"],
            price=option.get("price", article["price"]),
            list_price=article.get("list_price"),
            quantity=option.get("stock", article.get("stock")),
            description=article["story"],
            group=key if options else None,
            option_label=option.get("label"),
            image=f"{key}-{place}.svg" if options else f"{key}.svg",
            kind=picture["kind"],
            tone=picture["tone"],
            form=picture.get("form", look),
            size=picture.get("size", 1.0),
            look=look,
        )


def _numbered(base: SeedProduct, turn: int) -> SeedProduct:
    dearer = turn % STEPS * STEP
    return SeedProduct(
        f"{base.name} {turn + 1}호",
        base.category,
        base.country,
        base.manufacturer,
        base.price + dearer,
        base.list_price + dearer if base.list_price else None,
        base.quantity,
        base.description,
        f"{base.group}-{turn + 1}" if base.group else None,
        base.option_label,
        base.image,
        base.kind,
        base.tone,
        base.form,
        base.size,
        base.look,
    )
