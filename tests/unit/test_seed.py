"""The seeded catalogue and its pictures."""

import re
import unicodedata
from itertools import groupby, islice
from xml.etree import ElementTree as ET

import pytest

from db import pictures, seed
from db.drawing.paint import TONES
from db.seed import SeedProduct

PICTURE_LIMIT = 4096
COLUMN_LIMIT = 255
SVG = "{http://www.w3.org/2000/svg}"
SUPERLATIVES = ("최고", "최상", "가장 ", "제일", "완벽", "유일")


@pytest.fixture(scope="module")
def shelf() -> list[SeedProduct]:
    return list(seed.products())


@pytest.fixture(scope="module")
def drawn(shelf: list[SeedProduct]) -> dict[str, str]:
    return {product.image: pictures.draw(product) for product in shelf}


def test_the_shelf_is_full(shelf: list[SeedProduct]) -> None:
    categories = [category for category, _ in groupby(shelf, key=lambda product: product.category)]
    assert len(shelf) >= 240
    assert 8 <= len(categories) <= 12
    assert len(set(categories)) == len(categories)


def test_every_reading_is_the_same(shelf: list[SeedProduct]) -> None:
    assert list(seed.products()) == shelf


def test_text_is_composed_korean_and_fits_its_column(shelf: list[SeedProduct]) -> None:
    for product in shelf:
        for text in (product.name, product.category, product.country, product.manufacturer):
            assert 0 < len(text) <= COLUMN_LIMIT
        for text in (product.name, product.category, product.description, product.option_label or ""):
            assert unicodedata.is_normalized("NFC", text)
            assert text == text.strip()
        assert re.search("[가-힣]", product.name + product.category)


def test_descriptions_are_a_few_plain_sentences(shelf: list[SeedProduct]) -> None:
    for product in shelf:
        sentences = re.findall(r"[^.]+(?:\.\d[^.]*)*\.(?= |$)", product.description)
        assert 2 <= len(sentences) <= 4, product.description
        assert "\n" not in product.description
        assert not any(word in product.description for word in SUPERLATIVES), product.description


def test_prices_are_plausible_whole_won(shelf: list[SeedProduct]) -> None:
    for product in shelf:
        assert isinstance(product.price, int)
        assert 1_000 <= product.price <= 1_000_000
        assert product.price % 100 == 0
        assert product.list_price is None or product.list_price > product.price
    assert 5 <= sum(product.list_price is not None for product in shelf) <= len(shelf) // 5


def test_some_are_sold_out_and_some_nearly(shelf: list[SeedProduct]) -> None:
    assert all(isinstance(product.quantity, int) and product.quantity >= 0 for product in shelf)
    assert 4 <= sum(product.quantity == 0 for product in shelf) <= len(shelf) // 10
    assert sum(1 <= product.quantity <= 3 for product in shelf) >= 4


def test_options_are_siblings_of_one_article(shelf: list[SeedProduct]) -> None:
    groups: dict[str, list[SeedProduct]] = {}
    for product in shelf:
        assert (product.group is None) == (product.option_label is None)
        if product.group:
            groups.setdefault(product.group, []).append(product)
    assert len(groups) >= 12
    for siblings in groups.values():
        assert 2 <= len(siblings) <= 4
        assert len({(one.name, one.category, one.manufacturer) for one in siblings}) == 1
        assert len({one.option_label for one in siblings}) == len(siblings)


def test_an_article_is_named_once(shelf: list[SeedProduct]) -> None:
    names = [name for name, _ in groupby(shelf, key=lambda product: (product.category, product.name))]
    assert len(names) == len(set(names))
    assert len({product.image for product in shelf}) == len(shelf)


def test_awkward_names_are_present(shelf: list[SeedProduct]) -> None:
    assert any(len(product.name) > 80 for product in shelf)
    assert any(re.search("[A-Za-z]+.*[0-9]", product.name) for product in shelf)


def test_many_begins_with_the_catalogue_and_goes_on(shelf: list[SeedProduct]) -> None:
    count = 3 * len(shelf) + 7
    crowd = list(seed.many(count))
    assert crowd[: len(shelf)] == shelf
    assert len(crowd) == count
    assert len({(product.name, product.option_label, product.category) for product in crowd}) == count
    assert {product.image for product in crowd} == {product.image for product in shelf}
    assert all(product.list_price is None or product.list_price > product.price for product in crowd)
    labels = {(product.group, product.option_label) for product in crowd if product.group}
    assert len(labels) == sum(product.group is not None for product in crowd)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_many_may_be_few(shelf: list[SeedProduct], count: int) -> None:
    assert list(seed.many(count)) == shelf[:count]


def test_many_gives_before_it_has_all(shelf: list[SeedProduct]) -> None:
    assert list(islice(seed.many(1_000_000), 3)) == shelf[:3]


def test_every_picture_is_small_sound_svg(drawn: dict[str, str]) -> None:
    for image, text in drawn.items():
        assert len(text.encode()) <= PICTURE_LIMIT, image
        root = ET.fromstring(text)  # noqa: S314 - our own drawing, not a stranger's
        assert root.tag == f"{SVG}svg"
        assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("640", "640", "0 0 640 640")


def test_no_picture_speaks_runs_or_reaches_out(drawn: dict[str, str]) -> None:
    for text in drawn.values():
        for element in ET.fromstring(text).iter():  # noqa: S314 - our own drawing
            name = element.tag.removeprefix(SVG)
            assert name not in {"script", "text", "image", "use", "foreignObject", "style", "a"}
            assert not (element.text or "").strip()
            for attribute, value in element.attrib.items():
                assert "href" not in attribute
                assert not attribute.startswith("on")
                assert "url(" not in value or re.fullmatch(r"url\(#\w+\)", value)


def test_every_paint_a_picture_names_is_mixed(drawn: dict[str, str]) -> None:
    for image, text in drawn.items():
        asked = set(re.findall(r"url\(#(\w+)\)", text))
        mixed = re.findall(r' id="(\w+)"', text)
        assert asked == set(mixed), image
        assert len(mixed) == len(set(mixed))


def test_the_same_product_is_drawn_the_same(shelf: list[SeedProduct], drawn: dict[str, str]) -> None:
    assert {product.image: pictures.draw(product) for product in shelf} == drawn
    numbered = {product.image: pictures.draw(product) for product in seed.many(2 * len(shelf))}
    assert numbered == drawn


def test_an_option_shows_in_its_picture(shelf: list[SeedProduct], drawn: dict[str, str]) -> None:
    assert len(set(drawn.values())) == len(shelf) == len(drawn)


def test_every_kind_and_tone_of_the_shelf_can_be_drawn(shelf: list[SeedProduct]) -> None:
    kinds = {product.kind for product in shelf}
    assert kinds <= pictures.KINDS
    assert {product.tone for product in shelf} <= set(TONES)
    assert len(kinds) >= 24
