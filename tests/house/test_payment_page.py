"""What runs on the payment page is what the inventory says, and its inventory says who allowed it."""

import hashlib
import re
from pathlib import Path

import pytest

from app.payments.page.inventory import SCRIPTS, TOSS
from app.payments.page.reading import read_contents
from app.web.assets import Assets
from tests.buyer import Buyer, stand_of
from tests.goods import mug
from tests.shop import Shop

STATIC = Path(__file__).parents[2] / "app" / "static"
OURS = {script.source: script.digest for script in SCRIPTS if script.source != TOSS}


def test_every_script_has_a_purpose_and_somebody_who_allowed_it() -> None:
    assert len({script.source for script in SCRIPTS}) == len(SCRIPTS)
    for script in SCRIPTS:
        assert len(script.purpose) > 20, script
        assert len(script.authorised_by) > 10, script


@pytest.mark.parametrize("source", OURS)
def test_a_changed_script_is_allowed_anew_by_somebody(source: str) -> None:
    """Of what is sent: the page is compared with it by whoever looks at it from outside."""
    digest = hashlib.sha256(Assets().find(source).body).hexdigest()
    assert digest == OURS[source], "a changed script: renew its digest in the inventory, and sign for it"


async def test_the_page_has_the_scripts_of_the_inventory_and_nothing_else_that_runs(shop: Shop) -> None:
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, shop.visitor(), stand)
        order_no = await buyer.order((await mug(shop.m), 1))
        page = await (await buyer.visitor.get(f"/orders/{order_no}/payment")).get_data(as_text=True)
    contents = read_contents(page)
    assert contents.strange == []
    assert sorted(re.sub(r"^/static/\w+/", "", url) for url in contents.scripts) == sorted(OURS)
    assert contents.sdk_url == shop.stack.toss_sdk_url


def test_our_scripts_load_no_script_but_tosss() -> None:
    """What a page loads later is in no HTML: only payment.js may, from the address the page was given."""
    makers = r"createElement\(\s*['\"`]script|import\s*\(|importScripts|new Worker|\beval\b|new Function"
    texts = {path.name: path.read_text() for path in (STATIC / "js").iterdir()}
    found = {name: re.findall(makers, text) for name, text in texts.items()}
    assert {name: made for name, made in found.items() if made} == {"payment.js": ["createElement('script"]}
    assert "src: url" in texts["payment.js"]
    assert "load(order.sdkUrl)" in texts["payment.js"]
    # A template of the HTML: what it brings is named there.
    assert "find('#later')" in texts["shop.js"]


@pytest.mark.parametrize(
    "html",
    [
        "<script>steal()</script>",
        "<script type=module>steal()</script>",
        "<img src=x onerror=steal()>",
        "<SVG ONLOAD=steal()>",
        '<a href=" JavaScript:steal()">',
        "<iframe src=//evil.example></iframe>",
        '<iframe srcdoc="x">',
        "<object data=x>",
        "<embed src=x>",
        "<base href=//evil.example>",
        '<meta http-equiv=refresh content="0;url=//evil.example">',
    ],
)
def test_whatever_else_can_run_is_seen(html: str) -> None:
    assert read_contents(f"<main>{html}</main>").strange != []


def test_a_script_from_elsewhere_is_seen() -> None:
    page = "<!-- <script src=no> --><script async src='https://evil.example/x.js'></script>"
    assert read_contents(page).scripts == ["https://evil.example/x.js"]
