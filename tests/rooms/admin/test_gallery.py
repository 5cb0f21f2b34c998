"""The gallery of partials: all of them, in both schemes, and nothing in it does anything."""

import re
from collections import Counter

from app.admin.gallery.routes import SCHEMES
from app.admin.gallery.samples import SAMPLES
from tests.desk import text
from tests.shop import Shop
from tests.village import enter, hana, minji, run


async def test_every_sample_is_shown_light_and_dark(shop: Shop) -> None:
    page = await text(await (await run(shop, await hana(shop.m))).get("/admin/partials"))
    shown = re.findall(r'data-partial="([^"]+)" data-state="([^"]+)" data-scheme="([^"]+)"', page)
    wanted = [(name, state, scheme) for name in SAMPLES for state in SAMPLES[name] for scheme in SCHEMES]
    assert shown == wanted


async def test_a_piece_beside_its_twin_is_still_sound_and_sends_nothing(shop: Shop) -> None:
    page = await text(await (await run(shop, await hana(shop.m))).get("/admin/partials"))
    pieces = page.partition("<main")[2].partition("</main>")[0]
    assert [name for name, times in Counter(re.findall(r' id="([^"]+)"', page)).items() if times > 1] == []
    assert set(re.findall(r' for="([^"]+)"', pieces)) <= set(re.findall(r' id="([^"]+)"', pieces))
    assert set(re.findall(r'<form[^>]* action="([^"]*)"', pieces)) == {"/admin/partials"}
    assert not re.search(r'data-hx-|method="post"|name="csrf"|/pictures/|autofocus', pieces)


async def test_to_everybody_else_the_gallery_does_not_exist(shop: Shop) -> None:
    for visitor in (shop.visitor(), await enter(shop, await minji(shop.m))):
        assert (await visitor.get("/admin/partials")).status_code == 404
