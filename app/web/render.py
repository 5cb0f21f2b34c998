"""Draws templates: the environment, its filters, and what every page knows."""

import re
from collections.abc import Callable, MutableMapping
from contextvars import Context
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from quart import current_app, g, request

from app.cart import view as cart
from app.core import clock, ids, languages, money
from app.settings import Settings
from app.web import csrf, current, seller
from app.web.assets import Assets

TEMPLATES = Path(__file__).parent.parent / "templates"
MOST_PIECES = 4000  # kept of about 1 kB each


class _Environment(Environment):
    """Gives a template its globals as a plain dict: a chain of maps is looked through name by name each time.

    So all of them must be there before the first template is drawn.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return what a template knows by itself."""
        return {**self.globals, **(d or {})}


def create_environment(settings: Settings, assets: Assets) -> Environment:
    """Build the template environment. Rendering is synchronous: no template waits for anything."""
    env = _Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    languages_into(env)
    env.filters.update(
        bdi=hold_apart,
        won=money.format_won,
        phone=format_phone,
        kst=clock.format_kst,
        kst_date=clock.format_kst_date,
    )
    env.globals.update(
        csrf=csrf.form_token,
        shopper=lambda: g.get("shopper"),
        operator=lambda: g.get("operator"),
        cart_count=lambda: g.get("cart_count"),
        delivery_fee=partial(cart.delivery_fee, settings=settings),
        shop=seller.describe(settings),
        asset=assets.url,
        counter_css=lambda: _style(assets.counter_style),
        window_css=partial(_window_css, assets),
        idempotency_key=ids.idempotency_key,
        kept=_keep_pieces(env),
    )
    return env


def _keep_pieces(env: Environment) -> Callable[..., Markup]:
    """Return what draws a partial once for everybody: for the same things, in the same language, the same.

    It is drawn where there is no request, so nothing of one shopper's can be kept for the next: a partial
    that asks who is there, or for a form's token, fails.
    """

    @lru_cache(maxsize=MOST_PIECES)
    def draw_once(language: str, partial_: str, what: tuple[tuple[str, Any], ...]) -> Markup:
        def draw_alone() -> Markup:
            languages.speak(language)
            return Markup(env.get_template(partial_).render(dict(what)))  # nosec B704 # noqa: S704 - escaped while drawn

        return Context().run(draw_alone)

    def kept(partial_: str, /, **what: Any) -> Markup:
        return draw_once(languages.spoken(), partial_, tuple(what.items()))

    return kept


def languages_into(env: Environment) -> None:
    """Let templates speak: ``_("…")`` for what stands in them, ``|translated`` for words they are given.

    Not by Jinja's own extension: that takes ten times as long for each sentence.
    """
    env.globals.update(_=_say, ngettext=_say_counted, language=languages.spoken)
    env.filters["translated"] = languages.find


def _say(message: str, /, **values: Any) -> Markup:
    """Say a sentence of ours, which may hold markup; what is filled in is escaped."""
    return _fill(languages.find(message), values)


def _say_counted(message: str, plural: str, number: int, /, **values: Any) -> Markup:
    """Say a sentence about ``number`` things, as above."""
    return _fill(languages.find_counted(message, plural, number), {"num": number, **values})


def _fill(sentence: str, values: dict[str, Any]) -> Markup:
    said = Markup(sentence)  # nosec B704 # noqa: S704 - a literal of a template, or its translation
    return said % values if "%" in sentence else said


def _style(css: str) -> Markup:
    return Markup(f"<style>{css}</style>")  # nosec B704 # noqa: S704 - our own files


def _window_css(assets: Assets) -> Markup:
    g.is_window = True  # the headers of this answer name its style sheet
    return _style(assets.window_style)


async def draw_page(page: str, **what: Any) -> str:
    """Draw a whole page; the header's cart count is looked up first."""
    if "cart_count" not in g:
        g.cart_count = await current.count_cart()
    return draw(page, **what)


def draw(template: str, **what: Any) -> str:
    """Draw one template with what it is given."""
    env: Environment = current_app.extensions["templates"]
    what.setdefault("notice", None)
    return env.get_template(template).render(request_path=request.path, **what)


def hold_apart(words: str) -> Markup:
    """Return text of people as an element: from right to left it turns nothing of ours around."""
    return Markup("<bdi>{}</bdi>").format(words)


def format_phone(digits: str) -> str:
    """Return ``010-1234-5678``; Seoul's 02 numbers have a shorter head."""
    shape = r"^(02)(\d{3,4})(\d{4})$" if digits.startswith("02") else r"^(\d{3})(\d{3,4})(\d{4})$"
    return re.sub(shape, r"\1-\2-\3", digits)
