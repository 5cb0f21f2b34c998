"""Draws templates: the environment, its filters, and what every page knows."""

import re
from collections.abc import Callable, MutableMapping
from contextvars import Context
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.defaults import DEFAULT_NAMESPACE
from markupsafe import Markup, escape
from quart import current_app, g, request

from app.cart import view as cart
from app.core import clock, ids, languages, money
from app.core.blanks import Filled
from app.settings import Settings
from app.web import csrf, current, places, seller, sentences
from app.web.assets import Assets

TEMPLATES = Path(__file__).parent.parent / "templates"
MOST_PIECES = 1000  # kept of about 3 kB each, with what they were drawn of


class _Environment(Environment):
    """The templates in one language. All languages share one plain dict of globals.

    Plain, because a chain of maps is looked through name by name each time. So all of them must be there
    before the first template is drawn.
    """

    def __init__(self, language: str, shared: dict[str, Any]) -> None:
        super().__init__(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._language = language
        self.globals = shared
        self.filters.update(
            bdi=hold_apart,
            translated=languages.find,
            won=money.format_won,
            phone=format_phone,
            kst=clock.format_kst,
            kst_date=clock.format_kst_date,
        )

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return what a template knows by itself."""
        return {**self.globals, **(d or {})}

    def _generate(self, source: nodes.Template, *args: Any, **more: Any) -> str:
        """Compile a template, its sentences said: Jinja's own hook for changing what is compiled."""
        with languages.speaking(self._language):
            said = sentences.say(source, languages.find)
        return super()._generate(said, *args, **more)


class Templates:
    """Every template in every language. Rendering is synchronous: no template waits for anything."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self.globals: dict[str, Any] = {
            **DEFAULT_NAMESPACE,
            "_": _say,
            "ngettext": _say_counted,
            "language": languages.spoken,
            "csrf_field": _form_field,
            "shopper": lambda: g.get("shopper"),
            "operator": lambda: g.get("operator"),
            "cart_count": lambda: g.get("cart_count"),
            "delivery_fee": partial(cart.delivery_fee, settings=settings),
            "shop": seller.describe(settings),
            "asset": assets.url,
            "counter_css": lambda: _style(assets.counter_style),
            "window_css": partial(_window_css, assets),
            "idempotency_key": lambda: places.KEY if places.are_left() else ids.idempotency_key(),
            "kept": _keep_pieces(self),
        }
        self._spoken = {language: _Environment(language, self.globals) for language in languages.NAMES}

    @property
    def environment(self) -> Environment:
        """The environment of the language that is spoken now."""
        return self._spoken[languages.spoken()]

    def draw(self, name: str, **what: Any) -> str:
        """Draw a template in the language that is spoken now."""
        return self.environment.get_template(name).render(what)


def _keep_pieces(templates: Templates) -> Callable[..., Markup]:
    """Return what draws a partial once for everybody: for the same things, in the same language, the same.

    It is drawn where there is no request, so nothing of one shopper's can be kept for the next: a partial
    that asks who is there fails, and where a form's token belongs its place is left. So are those of what is
    ``Filled``, which is text without markup.
    """

    @lru_cache(maxsize=MOST_PIECES)
    def draw_once(language: str, partial_: str, what: tuple[tuple[str, Any], ...]) -> str:
        def draw_alone() -> str:
            languages.speak(language)
            with places.left():
                return templates.draw(partial_, **dict(what))

        return Context().run(draw_alone)

    def kept(partial_: str, /, **what: Any) -> Markup:
        filled = {name: value for name, value in what.items() if isinstance(value, Filled)}
        alone = tuple((name, places.blank(name) if name in filled else what[name]) for name in what)
        drawn = draw_once(languages.spoken(), partial_, alone)
        for name, value in filled.items():
            drawn = drawn.replace(places.blank(name), value)
        return Markup(drawn)  # nosec B704 # noqa: S704 - escaped while drawn

    return kept


def _say(message: str, /, **values: Any) -> Markup:
    """Say a sentence that is handed on; it may hold markup, and what is filled in is escaped."""
    return _fill(languages.find(message), values)


def _say_counted(message: str, plural: str, number: int, /, **values: Any) -> Markup:
    """Say a sentence about ``number`` things, as above."""
    return _fill(languages.find_counted(message, plural, number), {"num": number, **values})


def _fill(sentence: str, values: dict[str, Any]) -> Markup:
    said = Markup(sentence)  # nosec B704 # noqa: S704 - a literal of a template, or its translation
    return said % values if "%" in sentence else said


def _form_field() -> Markup:
    """Return the field that every form of ours carries."""
    token = places.TOKEN if places.are_left() else csrf.form_token()
    field = f'<input type="hidden" name="{csrf.FIELD}" value="{token}">'
    return Markup(field)  # nosec B704 # noqa: S704 - base64


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
    templates: Templates = current_app.extensions["templates"]
    what.setdefault("notice", None)
    drawn = templates.draw(template, request_path=request.path, **what)
    return drawn if places.are_left() else _fill_places(drawn)


def draw_kept(template: str, **what: Any) -> str:
    """Draw a template that needs nothing but what it is given, or find it as it was drawn before."""
    templates: Templates = current_app.extensions["templates"]
    return _fill_places(templates.globals["kept"](template, **what))


def _fill_places(drawn: str) -> str:
    return places.fill(drawn, csrf.form_token, ids.idempotency_key)


def hold_apart(words: str) -> Markup:
    """Return text of people as an element: from right to left it turns nothing of ours around."""
    return Markup(f"<bdi>{escape(words)}</bdi>")  # nosec B704 # noqa: S704 - escaped


def format_phone(digits: str) -> str:
    """Return ``010-1234-5678``; Seoul's 02 numbers have a shorter head."""
    shape = r"^(02)(\d{3,4})(\d{4})$" if digits.startswith("02") else r"^(\d{3})(\d{3,4})(\d{4})$"
    return re.sub(shape, r"\1-\2-\3", digits)
