"""Where things stand: walls, light, tables."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import (
    CREAM,
    DUSK,
    TONES,
    Easel,
    Tone,
    block,
    disc,
    distance,
    group,
    leaf,
    mix,
    path,
    stroke,
)

WALLS = (
    "#ece3d5", "#cfdacd", "#e7d0c2", "#d5dbdd", "#e6d5b2", "#8fa393", "#ddd6ca", "#dcb9a4", "#c5cfba",
    "#b9c4cb", "#cbb49a", "#6f8478", "#e9dccb", "#d9c3bd", "#c0a184", "#55616b",
)  # fmt: skip
TABLES = ("#cdaa80", "#efe8dc", "#a77f5b", "#dcc7a6", "#d8d3cb", "#8a6a52", "#c58f6c", "#b9c2b4")
CLOTHS = ("#efe7d9", "#c9d3c4", "#e3c9b4", "#cfd6da", "#dfcfae", "#d9bcae", "#a9b7a8", "#d8d0c4")
NEAR = 110  # a wall closer than this to the thing's colour would swallow it
FLOOR = 520


def standing(easel: Easel, tone: Tone, look: int) -> str:
    """A wall with something on it, and a table in front."""
    wall = fitting(WALLS, look * 7 + look // 16 * 3, tone.base)
    table = fitting(TABLES, look * 3 + look // 8, tone.base, wall)
    backdrops = (window, arch, hills, moon, shade_of_leaves, lattice, screen, plain, curtain_light)
    wallpaper = block((0, 0), (640, 640), easel.down(mix(wall, CREAM, 0.28), mix(wall, DUSK, 0.06)))
    tables = (bare, round_table, plinth, grained, runner)
    horizon = (424, 446, 408)[look % 3]
    return (
        wallpaper
        + backdrops[(look * 4 + look // 9) % len(backdrops)](easel, wall, look)
        + tables[(look + look // 5) % len(tables)](easel, table, horizon)
    )


def hanging(easel: Easel, tone: Tone, look: int) -> str:
    """A wall seen straight on, its foot just in sight."""
    wall = fitting(WALLS, look * 5 + 1, tone.base)
    sheet = block((0, 0), (640, 640), easel.across(mix(wall, CREAM, 0.3), wall, mix(wall, DUSK, 0.05)))
    light = (window, shade_of_leaves, curtain_light, plain)[look % 4](easel, wall, look)
    foot = block((0, 566), (640, 74), mix(wall, DUSK, 0.13)) + stroke("M0 566H640", mix(wall, CREAM, 0.5), 4)
    return sheet + light + foot


def lying(easel: Easel, tone: Tone, look: int) -> str:
    """A table top from above with a cloth or a sheet under the thing."""
    top = fitting(TABLES + WALLS[:6], look * 5 + look // 14, tone.base)
    cloth = fitting(CLOTHS, look * 3, tone.base, top)
    ground = block((0, 0), (640, 640), easel.across(mix(top, CREAM, 0.25), top, mix(top, DUSK, 0.08)))
    spreads = (
        path("M-20 470L430-20H660V660H-20Z", cloth)
        + stroke("M-20 486L446-20", mix(cloth, DUSK, 0.12), 3, 'stroke-dasharray="9 8"'),
        f'<circle cx="330" cy="330" r="268" fill="{cloth}"/>',
        path("M70 96L560 60L590 560L104 590Z", cloth)
        + stroke("M92 118L540 84L566 538L126 568Z", mix(cloth, DUSK, 0.12), 3),
        block((0, 0), (230, 640), cloth) + stroke("M230 0V640", mix(cloth, DUSK, 0.1), 4),
        "".join(
            stroke(f"M0 {y}C200 {y - 14} 420 {y + 16} 640 {y - 4}", mix(top, DUSK, 0.16), 3, 'opacity=".5"')
            for y in (90, 200, 330, 440, 560)
        ),
    )
    light = path("M-40 180L360-40H520L-40 330ZM-40 420L640 10V130L-40 560Z", CREAM, 'opacity=".16"')
    return ground + spreads[look % len(spreads)] + light


def fitting(colours: tuple[str, ...], at: int, *others: str) -> str:
    """The first colour from a place on that stands off from the others."""
    turned = [colours[(at + step) % len(colours)] for step in range(len(colours))]
    return next((one for one in turned if all(distance(one, other) > NEAR for other in others)), turned[0])


def window(_: Easel, wall: str, look: int) -> str:
    """Sunlight through a window, thrown on the wall."""
    panes = "M90 60L270 30V190L90 226ZM290 27L450 0V152L290 186ZM90 246L270 210V380L90 420ZM290 206L450 172V334L290 374Z"
    return path(panes, mix(wall, CREAM, 0.75), f'opacity=".55" transform="translate({(0, 90)[look % 2]} 10)"')


def arch(easel: Easel, wall: str, look: int) -> str:
    """A niche with a round head."""
    x = (320, 270, 372)[look % 3]
    shade = easel.down(mix(wall, DUSK, 0.16), mix(wall, DUSK, 0.04))
    return path(f"M{x - 190} 640V250a190 190 0 0 1 380 0V640Z", shade) + stroke(
        f"M{x + 190} 640V250a190 190 0 0 0-190-190", mix(wall, CREAM, 0.6), 5
    )


def hills(_: Easel, wall: str, look: int) -> str:
    """Far hills, as ink would have them."""
    far, near = mix(wall, TONES["jade"], 0.24), mix(wall, TONES["pine"], 0.36)
    sun = disc(((470, 160)[look % 2], 130), (52, 52), mix(wall, TONES["persimmon"], 0.55))
    return (
        sun
        + path("M0 330Q90 220 170 280Q260 150 360 270Q450 190 520 260Q590 230 640 280V640H0Z", far)
        + path("M0 390Q120 300 220 366Q340 280 430 362Q540 320 640 370V640H0Z", near, 'opacity=".75"')
    )


def moon(_: Easel, wall: str, look: int) -> str:
    """A great pale disc behind the thing."""
    x = (320, 400, 240)[look % 3]
    tint = (mix(wall, CREAM, 0.6), mix(wall, TONES["persimmon"], 0.35), mix(wall, TONES["celadon"], 0.55))[
        look // 3 % 3
    ]
    return f'<circle cx="{x}" cy="252" r="196" fill="{tint}"/>'


def shade_of_leaves(_: Easel, wall: str, look: int) -> str:
    """The shadow of a branch."""
    spots = (
        (60, 60, 70, 20),
        (110, 84, 60, 50),
        (160, 104, 80, 6),
        (210, 132, 50, 60),
        (260, 150, 84, 20),
        (90, 76, 20, -60),
        (180, 112, 40, -62),
        (300, 172, 60, 50),
        (320, 176, 80, -16),
    )
    leaves = "".join(leaf((x, y), (dx, dy), 0.5) for x, y, dx, dy in spots)
    shade = mix(wall, DUSK, 0.15)
    flip = "" if look % 2 else "translate(640 0) scale(-1 1) "
    return group(
        stroke("M-20 20C100 70 220 120 360 190", shade, 7) + path(leaves, shade), f"{flip}scale(1.25)"
    )


def lattice(_: Easel, wall: str, look: int) -> str:
    """A papered lattice door, lit from outside."""
    x = (60, 330)[look % 2]
    wood = mix(wall, TONES["walnut"], 0.55)
    bars = "".join(f"M{x + at * 62} 0V430" for at in range(1, 4)) + "".join(
        f"M{x} {y}h250" for y in (40, 96, 240, 296, 352)
    )
    return (
        block((x, -10), (250, 450), mix(wall, CREAM, 0.82))
        + stroke(bars, wood, 5, 'opacity=".75"')
        + stroke(f"M{x}-10V440M{x + 250}-10V440", wood, 15)
    )


def screen(_: Easel, wall: str, look: int) -> str:
    """Half the wall in another colour."""
    other = (mix(wall, TONES["clay"], 0.3), mix(wall, TONES["jade"], 0.3), mix(wall, CREAM, 0.6))[
        look // 2 % 3
    ]
    return block(((0, 300)[look % 2], 0), (340, 640), other)


def plain(easel: Easel, wall: str, look: int) -> str:
    """Nothing but light falling from one side."""
    x = (150, 490)[look % 2]
    return disc(
        (x, 170),
        (380, 320),
        easel.glow(CREAM, CREAM + "/0"),
        f'opacity="{0.5 if distance(wall, CREAM) > NEAR else 0.9}"',
    )


def curtain_light(easel: Easel, wall: str, look: int) -> str:
    """A linen curtain at one side."""
    folds = easel.across(
        CREAM, mix(wall, CREAM, 0.5), CREAM, mix(wall, CREAM, 0.35), CREAM, mix(wall, CREAM, 0.6)
    )
    x, bend = ((-10, 30), (650, -30))[look % 2]
    edge = x + bend * 6
    return path(
        f"M{x}-10H{edge}C{edge + bend} 160 {edge - bend} 320 {edge + bend} 640H{x}Z", folds, 'opacity=".85"'
    )


def bare(easel: Easel, colour: str, horizon: int) -> str:
    """A plain table with its edge in sight."""
    top = easel.down(mix(colour, DUSK, 0.08), mix(colour, CREAM, 0.22))
    return block((0, horizon), (640, 640), top) + block((0, 606), (640, 34), mix(colour, DUSK, 0.26))


def round_table(easel: Easel, colour: str, _: int) -> str:
    """A round table top."""
    top = easel.down(mix(colour, DUSK, 0.08), mix(colour, CREAM, 0.22))
    return disc((320, 560), (390, 116), mix(colour, DUSK, 0.26)) + disc((320, 540), (390, 116), top)


def plinth(easel: Easel, colour: str, _: int) -> str:
    """A block that carries the thing like a stage."""
    front = easel.across(mix(colour, CREAM, 0.2), colour, mix(colour, DUSK, 0.26))
    top = path("M34 556L100 440H540L606 556Z", easel.down(colour, mix(colour, CREAM, 0.35)))
    floor = block((0, 500), (640, 140), mix(colour, DUSK, 0.35), 'opacity=".3"')
    return floor + block((34, 556), (572, 90), front) + top


def grained(easel: Easel, colour: str, horizon: int) -> str:
    """A table with the grain of its wood."""
    top = easel.down(mix(colour, DUSK, 0.08), mix(colour, CREAM, 0.22))
    lines = "".join(
        f"M0 {y}C180 {y - 8} 460 {y + 10} 640 {y - 2}" for y in (horizon + 34, horizon + 84, horizon + 150)
    )
    return block((0, horizon), (640, 640), top) + stroke(lines, mix(colour, DUSK, 0.26), 2, 'opacity=".35"')


def runner(easel: Easel, colour: str, horizon: int) -> str:
    """A table with a strip of cloth down its middle."""
    cloth = path(f"M120 {horizon}H420L548 606H48Z", mix(colour, CREAM, 0.5), 'opacity=".6"')
    return bare(easel, colour, horizon) + cloth
