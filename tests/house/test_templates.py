"""Templates keep what the answers promise: pieces stand alone, nothing is inline or blindly trusted."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, meta
from quart import Quart, g

from app.admin.gallery.samples import SAMPLES, WORDS
from app.main import create_app
from app.settings import Settings
from app.web import render

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "app" / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
MACROS = "partials/web/macros.html"
PARTIALS = [name for name in NAMES if name.startswith("partials/") and name != MACROS]
PAGES = [name for name in NAMES if not name.startswith("partials/") and name != "base.html"]
GIVEN = {"request_path", "notice"}  # draw() hands these to every template
WORDED = set(WORDS)
# What an input makes of a piece: the states that whoever looks at it must be shown.
STATES = {
    **{name: set[str]() for name in ("quantity", "less", "more", "amount")},  # of a line
    **{name: set[str]() for name in ("items", "delivery", "total", "missing", "most", "reached")},  # of sums
    "is_empty": {"empty"},
    "can_checkout": {"sold out"},
    "misses": {"many"},
    "available": {"empty", "error"},
    "card": {"many", "sold out"} | WORDED,
    "cart": {"empty", "many", "sold out"} | WORDED,
    "count": {"empty", "many"},
    "line": {"many", "sold out", "error"} | WORDED,
    "notice": {"empty", "error"} | WORDED,
    "order": {"many", "error"} | WORDED,
    "order_no": set(),
    "outcome": {"error"} | WORDED,
    "place": set(),
    "reason": {"error"},
    "signup_id": {"empty"} | WORDED,
    "suggestions": {"empty", "many"} | WORDED,
    "undo": {"empty"} | WORDED,
}
VOID = {"input", "img", "br", "hr", "meta", "link", "path", "circle"}


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(Settings(secret_key="k", password_pepper="p", data_dir="nowhere"))


def environment(app: Quart) -> Environment:
    env: Environment = app.extensions["templates"].environment
    return env


def source(name: str) -> str:
    return (TEMPLATES / name).read_text()


def declared(name: str) -> set[str]:
    first = source(name).splitlines()[0]
    found = re.fullmatch(r"\{# in: ?([a-z_, ]*)#\}", first)
    assert found, f"{name} begins with {first!r}"
    return {word.strip() for word in found[1].split(",")} - {""}


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_says_in_its_first_line_what_it_needs_so_that_anyone_can_draw_it(
    app: Quart, name: str
) -> None:
    env = environment(app)
    needed = meta.find_undeclared_variables(env.parse(source(name))) - set(env.globals)
    given = GIVEN - {"notice"} if name == "partials/web/notice.html" else GIVEN
    assert declared(name) == needed - given


@pytest.mark.parametrize("name", PARTIALS)
async def test_a_partial_is_drawn_alone_with_one_root_named_after_it_so_that_htmx_can_replace_it(
    app: Quart, name: str
) -> None:
    """An answer to htmx names its target by the partial: a second root, or another id, would be lost."""
    for what in SAMPLES[name].values():
        assert set(what) == declared(name), "app/admin/gallery/samples.py draws it with something else"
        text = await draw(app, name, what)
        roots = Roots()
        roots.feed(text)
        assert len(roots.ids) == 1, (name, roots.ids)
        plain = name.removeprefix("partials/").removesuffix(".html").replace("/", "-")
        assert re.fullmatch(rf"{plain}(-[\w-]+)?", roots.ids[0] or ""), (name, roots.ids)
        assert len(roots.all) == len(set(roots.all)), (name, roots.all)


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_has_a_sample_of_every_state_so_that_somebody_has_seen_it(name: str) -> None:
    """The gallery and the accessibility tests see what the samples show, and nothing else."""
    missing = {"one"}.union(*(STATES[what] for what in declared(name))) - set(SAMPLES[name])
    assert missing == set(), f"{name} is never drawn with these"


def test_every_sample_is_of_a_partial_that_is_there() -> None:
    assert sorted(SAMPLES) == PARTIALS


def test_every_page_is_given_what_nobody_expects_in_every_text() -> None:
    """A long word, another direction, and signs of several code points: of each, an example that is one."""
    assert not re.search(r"\s", WORDS["long"])
    assert len(WORDS["long"]) > 200
    assert re.search(r"[\u0600-\u06ff]", WORDS["rtl"])
    assert "\u200d" in WORDS["emoji"]


def test_every_partial_is_used_so_that_nobody_mends_a_dead_one() -> None:
    everywhere = "".join(source(name) for name in NAMES)
    pieces = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    orphans = [
        name
        for name in PARTIALS
        if f'"{name}"' not in everywhere
        and f'Piece("{name.removeprefix("partials/").removesuffix(".html")}"' not in pieces
    ]
    assert orphans == []


def test_every_page_is_drawn_by_a_route_so_that_nobody_mends_a_dead_one() -> None:
    doors = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    assert [name for name in PAGES if f'"{name}"' not in doors] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_inline_because_our_policy_would_block_it(name: str) -> None:
    text = source(name)
    assert not re.search(r"<style|\sstyle=", text), "style belongs in static/css"
    assert not re.search(r"<script(?![^>]*\ssrc=)", text), "scripts belong in static/js"
    assert not re.search(r"\son\w+=|hx-on|javascript:|[\"']js:", text), "handlers belong in static/js"
    assert not re.search(r"data-hx-trigger=\"[^\"]*\[", text), "a trigger filter needs eval"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_marked_safe_because_one_forgotten_value_would_be_a_hole(name: str) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape", source(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_form_that_changes_something_carries_the_form_token(name: str) -> None:
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", source(name), re.DOTALL)
    assert [form for form in forms if "csrf_field()" not in form] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_htmx_does_a_plain_browser_can_do_so_that_scripts_are_a_comfort_only(name: str) -> None:
    """data-hx-post repeats the form's own action; what htmx fetches by itself only refreshes a page."""
    for form in re.findall(r"<form\b[^>]*data-hx-post=[^>]*>", source(name)):
        assert re.search(r'action="([^"]+)"', form)[1] == re.search(r'data-hx-post="([^"]+)"', form)[1]  # type: ignore[index]
    assert not re.search(r"<(?!form)\w+[^>]*data-hx-(post|put|delete|patch)", source(name))


class Roots(HTMLParser):
    """Collects the ids of the outermost elements, and all ids."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.ids: list[str | None] = []
        self.all: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        id_ = dict(attrs).get("id")
        if self.depth == 0:
            self.ids.append(id_)
        if id_:
            self.all.append(id_)
        self.depth += tag not in VOID

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID


async def draw(app: Quart, name: str, what: dict[str, Any]) -> str:
    async with app.test_request_context("/"):
        g.shopper, g.cart_count = None, 0
        return render.draw(name, **what)
