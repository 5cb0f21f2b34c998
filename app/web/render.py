"""Draws templates: the environment, its filters, and what every page knows."""

import re
from functools import partial
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


def create_environment(settings: Settings, assets: Assets) -> Environment:
    """Build the template environment. Rendering is synchronous: no template waits for anything."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
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
        critical_css=lambda: Markup(assets.critical_style),  # nosec B704 # noqa: S704 - our own file
        idempotency_key=ids.idempotency_key,
    )
    return env


def languages_into(env: Environment) -> None:
    """Let templates speak: ``_("…")`` for what stands in them, ``|translated`` for the words of tables."""
    env.install_gettext_callables(languages.find, languages.find_counted, newstyle=True)  # type: ignore[attr-defined]
    env.filters["translated"] = languages.find
    env.globals["language"] = languages.spoken


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
