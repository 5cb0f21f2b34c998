"""The door to the gallery: every partial in all its states, light and dark, on one page."""

import re
from dataclasses import dataclass

from markupsafe import Markup
from quart import Blueprint, ResponseReturnValue, current_app

from app.admin.gallery.samples import SAMPLES
from app.web.assets import Assets
from app.web.guards import operator
from app.web.htmx import respond
from app.web.render import draw

blueprint = Blueprint("gallery", __name__)

SCHEMES = ("light", "dark")
NAMES = re.compile(r' (id|for|form|aria-labelledby|aria-describedby)="([^"]+)"')
WIRES = re.compile(r' data-hx-[\w-]+="[^"]*"| autofocus')
SENDS = re.compile(r'<form([^>]*?) method="post" action="[^"]*"|<form([^>]*?) action="[^"]*"')
PICTURES = re.compile(r' src="/pictures/[^"]*"')
TOKEN = re.compile(r'<input type="hidden" name="csrf"[^>]*>')


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One state of a partial, drawn once for each colour scheme."""

    state: str
    drawings: tuple[tuple[str, Markup], ...]


@blueprint.get("/admin/partials")
@operator
async def show_partials() -> ResponseReturnValue:
    """Show what every piece of a page looks like, whatever it holds."""
    rooms = [(name, [_draw(name, state) for state in states]) for name, states in SAMPLES.items()]
    return await respond("admin/partials.html", rooms=rooms)


def _draw(name: str, state: str) -> Exhibit:
    where = re.sub(r"\W+", "-", f"{name.removesuffix('.html')}-{state}")
    text = draw(name, **SAMPLES[name][state])
    return Exhibit(state, tuple((scheme, _still(text, f"{scheme}-{where}")) for scheme in SCHEMES))


def _still(text: str, where: str) -> Markup:
    """Make a piece a picture of itself: with ids of its own, and nothing in it asks or sends anything."""

    def rename(found: re.Match[str]) -> str:
        return f' {found[1]}="{" ".join(f"{where}-{word}" for word in found[2].split())}"'

    assets: Assets = current_app.extensions["assets"]
    seen = PICTURES.sub(f' src="{assets.url("img/sample.svg")}"', text)
    still = SENDS.sub(r'<form\1\2 action="/admin/partials"', TOKEN.sub("", WIRES.sub("", seen)))
    inside = NAMES.sub(rename, still)
    return Markup(f"<ul>{inside}</ul>" if inside.lstrip().startswith("<li") else inside)  # nosec B704 # noqa: S704 # nosemgrep: trusted-markup - templates drew and escaped it
