"""Answers leave packed in what their caller can unpack, and say that this is what they depend on."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from quart import Response

from app import seed
from app.core import packing
from tests.goods import mug
from tests.shop import HTMX, Shop

pytestmark = pytest.mark.real_first

UNPACK: dict[str | None, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    None: bytes,
}

# What is asked for, and what must come.
WANTED = {
    "gzip, deflate, br, zstd": "br",  # as browsers ask over TLS
    "gzip, deflate": "gzip",  # as they ask without
    "br;q=0.5, gzip": "gzip",
    "gzip;q=0.5, br;q=0.8": "br",
    "GZIP": "gzip",
    "*": "br",
    "br;q=0, *": "gzip",
    "*;q=0.5, gzip;q=0.7": "gzip",
    "gzip;q=0": None,
    "gzip;q=0.000, br;q=0": None,
    "*;q=0": None,
    "identity": None,
    "identity, gzip;q=0.5": None,
    "identity;q=0.5, gzip": "gzip",
    "identity;q=0": None,  # nothing else is known to suit: better plain than nothing
    "deflate, zstd": None,
    "x-gzip-like": None,
    "gzip;q=much": None,
    "": None,
}


async def body_of(answer: Response) -> bytes:
    """The answer as it was before it was packed."""
    return UNPACK[answer.headers.get("Content-Encoding")](await answer.get_data(as_text=False))


@pytest.mark.parametrize("accepted", WANTED)
async def test_a_page_and_a_file_are_packed_as_the_caller_weighs_it(shop: Shop, accepted: str) -> None:
    visitor = shop.visitor()
    page = await visitor.get("/login", packed=accepted)
    text = (await body_of(page)).decode()
    assert text.startswith("<!doctype html>")
    [script] = re.findall(r'src="(/static/[^"]+/shop\.js)"', text)
    file = await visitor.get(script, packed=accepted)
    assert b"document" in await body_of(file)
    for answer in (page, file):
        assert answer.headers.get("Content-Encoding") == WANTED[accepted]
        assert "Accept-Encoding" in answer.vary


async def test_a_caller_that_says_nothing_is_answered_plainly(shop: Shop) -> None:
    answer = await shop.visitor().get("/")
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.vary


@pytest.mark.parametrize("coding", packing.CODINGS)
async def test_pieces_are_packed_and_the_length_is_of_what_is_sent(shop: Shop, coding: str) -> None:
    visitor, product = shop.visitor(), await mug(shop.m)
    form = {"csrf": await visitor.token(), "product_id": product, "quantity": 1, "key": ""}
    headers = {**HTMX, "Accept-Encoding": coding}
    answer = await visitor.client.post("/cart/lines", form=form, headers=headers)
    assert answer.headers["Content-Encoding"] == coding
    assert answer.content_length == len(await answer.get_data(as_text=False))
    assert (await body_of(answer)).startswith(b"<hx-partial")


@pytest.mark.parametrize("url", ["/", "/login", "/nowhere"])
async def test_head_says_what_get_would_have_said(shop: Shop, url: str) -> None:
    client = shop.visitor().client
    await client.get(url)  # who has cookies already is sent none
    got = await client.get(url, headers={"Accept-Encoding": "gzip"})
    head = await client.head(url, headers={"Accept-Encoding": "gzip"})
    differs = {"content-length", "date"}  # the masked token packs a few bytes longer or shorter
    for name, value in got.headers.items():
        if name.lower() not in differs:
            assert head.headers[name] == value
    assert abs((head.content_length or 0) - (got.content_length or 0)) < 40


async def test_the_same_page_twice_differs_so_that_its_length_betrays_no_token(shop: Shop) -> None:
    visitor = shop.visitor()
    await visitor.get("/login")
    tokens = {await visitor.token() for _ in range(5)}
    assert len(tokens) == 5


async def test_files_are_packed_hardest_and_kept_for_a_year(shop: Shop) -> None:
    visitor = shop.visitor()
    page = await (await visitor.get("/login")).get_data(as_text=True)
    for url in re.findall(r'"(/static/[^"]+\.(?:js|css|svg))"', page):
        answer = await visitor.get(url, packed="br")
        packed = await answer.get_data(as_text=False)
        assert packed == brotli.compress(brotli.decompress(packed), quality=11)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("coding", packing.CODINGS)
async def test_a_picture_drawn_before_there_was_a_coding_is_sent_plainly(shop: Shop, coding: str) -> None:
    folder = shop.m.settings.data_path / "pictures"
    seed.draw_pictures(folder)
    name = next(path.name for path in sorted(folder.glob("*.svg")))
    visitor = shop.visitor()
    packed = await visitor.get(f"/pictures/{name}", packed=coding)
    assert packed.headers["Content-Encoding"] == coding
    Path(folder / packing.packed_name(name, coding)).unlink()
    plain = await visitor.get(f"/pictures/{name}", packed=coding)
    assert "Content-Encoding" not in plain.headers
    assert await body_of(plain) == await body_of(packed)
