"""Draws each product of the seeded catalogue as a small still life, in code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from db.drawing import company, flat, green, kitchen, light, scene, small, textiles, vessels, wood
from db.drawing.paint import TONES, Easel, Tone, disc, group

Stroke = Callable[[Easel, Tone, int], str]


class Drawable(Protocol):
    """What the pencil needs to know of a product."""

    @property
    def kind(self) -> str:
        """Name the thing."""

    @property
    def tone(self) -> str:
        """Name its colour."""

    @property
    def form(self) -> int:
        """Choose among the forms of its kind."""

    @property
    def look(self) -> int:
        """Choose the scene."""

    @property
    def size(self) -> float:
        """Say how large it is among its siblings."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How one kind of thing is drawn and set in the picture."""

    stroke: Stroke
    width: int  # half the width of its foot, for the shadow
    scale: float = 1.0


STANDING = {
    "mug": Pose(vessels.mug, 84, 1.2),
    "cup": Pose(vessels.cup, 130, 1.1),
    "teapot": Pose(vessels.teapot, 100, 1.2),
    "bowl": Pose(vessels.bowl, 92, 1.3),
    "vase": Pose(vessels.vase, 74, 1.05),
    "moonjar": Pose(vessels.moonjar, 96, 1.3),
    "jar": Pose(vessels.jar, 96, 1.25),
    "pitcher": Pose(vessels.pitcher, 88, 1.2),
    "bottle": Pose(kitchen.bottle, 74, 1.2),
    "glass": Pose(kitchen.glass, 100, 1.15),
    "caddy": Pose(kitchen.caddy, 86, 1.2),
    "cauldron": Pose(kitchen.cauldron, 132, 1.2),
    "kettle": Pose(kitchen.kettle, 112, 1.15),
    "mortar": Pose(kitchen.mortar, 92, 1.2),
    "blanket": Pose(textiles.blanket, 170, 1.15),
    "cushion": Pose(textiles.cushion, 146, 1.25),
    "towel": Pose(textiles.towel, 150, 1.15),
    "rug": Pose(textiles.rug, 190, 1.1),
    "bojagi": Pose(textiles.bojagi, 150, 1.15),
    "thread": Pose(textiles.thread, 120, 1.1),
    "lamp": Pose(light.lamp, 74, 1.1),
    "lantern": Pose(light.lantern, 110, 1.15),
    "candle": Pose(light.candle, 100, 1.15),
    "plant": Pose(green.plant, 80, 1.1),
    "cactus": Pose(green.cactus, 84, 1.15),
    "waterer": Pose(green.waterer, 96, 1.15),
    "stool": Pose(wood.stool, 150, 1.1),
    "tray": Pose(wood.tray, 190, 1.2),
    "board": Pose(small.board, 124, 1.1),
    "basket": Pose(wood.basket, 112, 1.2),
    "box": Pose(wood.box, 174, 1.15),
    "soap": Pose(small.soap, 160, 1.2),
    "incense": Pose(light.incense, 154, 1.1),
    "diffuser": Pose(light.diffuser, 92, 1.05),
    "books": Pose(small.books, 170, 1.15),
    "penpot": Pose(small.penpot, 80, 1.1),
    "utensils": Pose(small.utensils, 92, 1.05),
    "deskcalendar": Pose(small.deskcalendar, 150, 1.15),
    "whisk": Pose(small.whisk, 70, 1.25),
}
HANGING = {
    "apron": Pose(textiles.apron, 0),
    "tote": Pose(textiles.tote, 0),
    "curtain": Pose(textiles.curtain, 0),
    "pendant": Pose(light.pendant, 0),
    "shelf": Pose(wood.shelf, 0),
    "hooks": Pose(wood.hooks, 0),
    "mirror": Pose(wood.mirror, 0),
    "clock": Pose(wood.clock, 0),
}
LYING = {
    "plate": Pose(vessels.plate, 0),
    "notebook": Pose(flat.notebook, 0),
    "pencil": Pose(flat.pencil, 0),
    "envelope": Pose(flat.envelope, 0),
    "cutlery": Pose(flat.cutlery, 0, 1.1),
    "scissors": Pose(flat.scissors, 0),
    "brush": Pose(flat.brush, 0),
    "tape": Pose(flat.tape, 0),
    "paper": Pose(flat.paper, 0),
    "wrap": Pose(flat.wrap, 0),
    "mat": Pose(flat.mat, 0),
    "seeds": Pose(flat.seeds, 0),
    "ruler": Pose(flat.ruler, 0),
    "clip": Pose(flat.clip, 0),
    "napkin": Pose(textiles.napkin, 0),
    "pouch": Pose(textiles.pouch, 0),
    "slippers": Pose(textiles.slippers, 0),
}
KINDS = frozenset(STANDING | HANGING | LYING)
SHADOW = "#2b2018"


def draw(product: Drawable) -> str:
    """Give the product's picture as SVG text; the same product always looks the same."""
    easel = Easel()
    tone = Tone(TONES[product.tone])
    shapes = _compose(easel, tone, product)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640" viewBox="0 0 640 640"'
        f' stroke-linecap="round" stroke-linejoin="round"><defs>{easel.defs(shapes)}</defs>{shapes}</svg>'
    )


def _compose(easel: Easel, tone: Tone, product: Drawable) -> str:
    if product.kind in STANDING:
        return _stand(easel, tone, product)
    if product.kind in HANGING:
        return _hang(easel, tone, product)
    return _lay(easel, tone, product)


def _stand(easel: Easel, tone: Tone, product: Drawable) -> str:
    look, pose = product.look, STANDING[product.kind]
    side = 1 if look % 2 else -1
    other = company.companion(easel, look)
    x = 320 - side * (46 if other else 0)
    size = pose.scale * product.size * (1 if other else 1.1)
    dusk = easel.glow(SHADOW + "/.55", SHADOW + "/0")
    shade = disc((pose.width * 0.3, 4), (pose.width * 1.6, 32), dusk)
    contact = disc((4, 4), (pose.width * 1.25, pose.width * 0.26), dusk)
    thing = group(
        shade + contact + pose.stroke(easel, tone, product.form),
        f"translate({x} {scene.FLOOR}) scale({size:.3g})",
    )
    if not other:
        return scene.standing(easel, tone, look) + thing
    small = disc((12, 2), (80, 18), dusk) + other
    front = look % 3
    beside = group(
        small,
        f"translate({320 + side * 186} {scene.FLOOR + (24 if front else -34)}) scale({1 if front else 0.9})",
    )
    layers = thing + beside if front else beside + thing
    return scene.standing(easel, tone, look) + layers


def _hang(easel: Easel, tone: Tone, product: Drawable) -> str:
    pose = HANGING[product.kind]
    shadow = _cast(7, 14)
    thing = group(
        pose.stroke(easel, tone, product.form), f"translate(320 310) scale({pose.scale * product.size:.3g})"
    )
    return scene.hanging(easel, tone, product.look) + shadow + f'<g filter="url(#f)">{thing}</g>'


def _lay(easel: Easel, tone: Tone, product: Drawable) -> str:
    pose, look = LYING[product.kind], product.look
    thing = group(
        pose.stroke(easel, tone, product.form),
        f"translate({310 + look % 3 * 10} 320) scale({pose.scale * product.size * 1.06:.3g})",
    )
    return scene.lying(easel, tone, look) + _cast(9, 9) + f'<g filter="url(#f)">{thing}</g>'


def _cast(across: int, down: int) -> str:
    soft = f'stdDeviation="9" flood-color="{SHADOW}" flood-opacity=".3"'
    drop = f'<feDropShadow dx="{across}" dy="{down}" {soft}/>'
    return f'<filter id="f" x="-.2" y="-.2" width="1.5" height="1.5">{drop}</filter>'
