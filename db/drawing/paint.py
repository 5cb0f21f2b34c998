"""The palette, its mixtures, and the few strokes every picture is made of."""

from dataclasses import dataclass

TONES = {
    "milk": "#f1ebdf", "linen": "#e6d9c3", "straw": "#d9bd8b", "ochre": "#c8984a", "brass": "#b58f50",
    "persimmon": "#cf7845", "terracotta": "#b2684a", "clay": "#b98a6c", "rose": "#d3a397", "plum": "#845a68",
    "oak": "#c49c6e", "walnut": "#7c5a44", "ash": "#a5a198", "ink": "#41464e", "indigo": "#465a7b",
    "sky": "#a6bac8", "celadon": "#9cb7a4", "jade": "#6d9383", "moss": "#77845d", "pine": "#465c50",
}  # fmt: skip
CREAM = "#fffaf0"
DUSK = "#2e2830"

Profile = list[tuple[float, float]]  # (height, half width) from the mouth down to the foot
ROUNDNESS = 0.17  # how far a level circle opens to the eye


def mix(one: str, two: str, share: float) -> str:
    """Lay `share` of the second colour over the first."""
    pairs = ((int(one[at : at + 2], 16), int(two[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def distance(one: str, two: str) -> int:
    """How far two colours stand apart, channel by channel."""
    return sum(abs(int(one[at : at + 2], 16) - int(two[at : at + 2], 16)) for at in (1, 3, 5))


@dataclass(frozen=True, slots=True)
class Tone:
    """One colour with its lights and shades."""

    base: str

    @property
    def pale(self) -> str:
        """The colour in full light."""
        return mix(self.base, CREAM, 0.62)

    @property
    def light(self) -> str:
        """The lit side."""
        return mix(self.base, CREAM, 0.32)

    @property
    def dark(self) -> str:
        """The side away from the light."""
        return mix(self.base, DUSK, 0.22)

    @property
    def deep(self) -> str:
        """Hollows, seams and lines."""
        return mix(self.base, DUSK, 0.48)


class Easel:
    """Keeps the gradients a picture asks for, each once."""

    def __init__(self) -> None:
        self._gradients: dict[str, str] = {}

    def across(self, *colours: str) -> str:
        """Paint from left to right."""
        return self._paint("linearGradient", "", colours)

    def down(self, *colours: str) -> str:
        """Paint from top to bottom."""
        return self._paint("linearGradient", ' x2="0" y2="1"', colours)

    def glow(self, *colours: str) -> str:
        """Paint from the middle outwards."""
        return self._paint("radialGradient", "", colours)

    def turned(self, tone: Tone) -> str:
        """Paint a round body lit from the left."""
        return self.across(tone.light, tone.base, tone.dark)

    def ball(self, tone: Tone) -> str:
        """Paint a sphere lit from the upper left."""
        place = ' cx=".36" cy=".3" r=".75"'
        return self._paint("radialGradient", place, (tone.light, tone.base, tone.dark))

    def defs(self, shapes: str) -> str:
        """Give the gradients these shapes really use, ready to stand before them."""
        used = ((body, name) for body, name in self._gradients.items() if f"url(#{name})" in shapes)
        return "".join(body.replace("@", name, 1) for body, name in used)

    def _paint(self, element: str, place: str, colours: tuple[str, ...]) -> str:
        last = len(colours) - 1
        stops = "".join(_stop(colour, at / last) for at, colour in enumerate(colours))
        body = f'<{element} id="@"{place}>{stops}</{element}>'
        name = self._gradients.setdefault(body, f"g{len(self._gradients)}")
        return f"url(#{name})"


def _stop(colour: str, at: float) -> str:
    colour, _, opacity = colour.partition("/")
    where = f' offset="{at:.2g}"' if at else ""
    veil = f' stop-opacity="{opacity}"' if opacity else ""
    return f'<stop{where} stop-color="{colour}"{veil}/>'


def path(d: str, fill: str, more: str = "") -> str:
    """A filled outline."""
    return f'<path d="{d}" fill="{fill}"{_spaced(more)}/>'


def stroke(d: str, colour: str, width: float, more: str = "") -> str:
    """A line; the picture as a whole rounds its ends."""
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width:g}"{_spaced(more)}/>'


def disc(at: tuple[float, float], radii: tuple[float, float], fill: str, more: str = "") -> str:
    """An ellipse."""
    (x, y), (rx, ry) = at, radii
    return f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{rx:.0f}" ry="{ry:.0f}" fill="{fill}"{_spaced(more)}/>'


def block(at: tuple[float, float], size: tuple[float, float], fill: str, more: str = "") -> str:
    """A rectangle; `more` may round its corners."""
    (x, y), (w, h) = at, size
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" fill="{fill}"{_spaced(more)}/>'


def group(inside: str, transform: str) -> str:
    """Shapes moved together."""
    return f'<g transform="{transform}">{inside}</g>'


def outline(profile: Profile, *, front: bool = False) -> str:
    """The contour of a turned body; `front` lets the upper edge bow towards the eye."""
    (top, mouth), (bottom, foot) = profile[0], profile[-1]
    left = [(-width, height) for height, width in profile]
    right = [(width, height) for height, width in reversed(profile)]
    close = f"A{mouth:.0f} {mouth * ROUNDNESS:.0f} 0 0 {int(front)} {-mouth:.0f} {top:.0f}Z"
    base = f"A{foot:.0f} {foot * ROUNDNESS:.0f} 0 0 0 {foot:.0f} {bottom:.0f}"
    return f"M{-mouth:.0f} {top:.0f}{curve(left)}{base}{curve(right)}{close}"


def curve(points: list[tuple[float, float]]) -> str:
    """A smooth line through points, the first being where the pen already is."""
    ends = [points[0], *points, points[-1]]
    parts = []
    for before, start, stop, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        lead = [s + (t - b) / 6 for b, s, t in zip(before, start, stop, strict=True)]
        trail = [t - (a - s) / 6 for s, t, a in zip(start, stop, after, strict=True)]
        parts.append("C" + " ".join(f"{value:.0f}" for value in (*lead, *trail, *stop)))
    return "".join(parts)


def thrown(easel: Easel, tone: Tone, profile: Profile, inside: str = "") -> str:
    """A vessel from the wheel: body, lip, and what can be seen within."""
    top, mouth = profile[0]
    lip = max(4.0, mouth * 0.06)
    within = inside or easel.down(tone.deep, tone.base)
    return (
        path(outline(profile), easel.turned(tone))
        + disc((0, top), (mouth, mouth * ROUNDNESS), tone.pale)
        + disc((0, top + 1), (mouth - lip, (mouth - lip) * ROUNDNESS), within)
    )


def shine(d: str, opacity: float = 0.35) -> str:
    """A soft highlight on glaze or metal."""
    return stroke(d, CREAM, 7, f'opacity="{opacity:g}"')


def leaf(at: tuple[float, float], reach: tuple[float, float], width: float = 0.35) -> str:
    """The outline of one leaf from its stem to its tip."""
    (x, y), (dx, dy) = at, reach
    bend = f"{dx / 2 - dy * width:.0f} {dy / 2 + dx * width:.0f}"
    back = f"{-dx / 2 - -dy * width:.0f} {-dy / 2 + -dx * width:.0f}"
    return f"M{x:.0f} {y:.0f}q{bend} {dx:.0f} {dy:.0f}q{back} {-dx:.0f} {-dy:.0f}"


def specks(tone: Tone, variant: int) -> str:
    """Give the dots that ash leaves in a glaze."""
    dots = ((-40, -92), (18, -66), (46, -108), (-14, -40), (4, -124), (-56, -60), (36, -34))
    return "".join(
        f'<circle cx="{x + variant % 5}" cy="{y}" r="{2 + x % 2}" fill="{tone.deep}" opacity=".4"/>'
        for x, y in dots
    )


def _spaced(more: str) -> str:
    return f" {more}" if more else ""
