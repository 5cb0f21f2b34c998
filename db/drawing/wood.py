"""Turned, joined and woven things of a room."""

from db.drawing.paint import (
    CREAM,
    TONES,
    Easel,
    Tone,
    block,
    disc,
    group,
    leaf,
    mix,
    outline,
    path,
    stroke,
    thrown,
)


def stool(easel: Easel, tone: Tone, variant: int) -> str:
    """A stool with three legs, or a low bench."""
    if variant % 2:
        legs = stroke("M-150-110L-164-2M150-110L164-2M-110-116L-112-30M110-116L112-30", tone.dark, 21)
        seat = path("M-204-132L-150-166H150L204-132Z", tone.light) + block(
            (-204, -134), (408, 34), easel.across(tone.base, tone.dark), 'rx="5"'
        )
        return legs + seat + stroke("M-150-152H120M-110-143H170", tone.base, 3, 'opacity=".7"')
    legs = stroke("M-80-230L-112-2M80-230L112-2M10-214L14 22", tone.dark, 23) + stroke(
        "M-98-92Q0-70 98-92", tone.dark, 13
    )
    top = path(outline([(-250, 134), (-222, 130)]), easel.turned(tone)) + disc(
        (0, -250), (134, 24), easel.across(tone.light, tone.base)
    )
    return legs + top + stroke("M-100-252Q0-238 100-252M-70-262Q0-250 70-262", tone.dark, 2, 'opacity=".45"')


def tray(easel: Easel, tone: Tone, variant: int) -> str:
    """A footed or flat tray bearing a cup and a sweet."""
    foot = path("M-110-46L-134-2H-96L-76-40ZM110-46L134-2H96L76-40Z", tone.deep)
    body = (
        path("M-208-74Q0-112 208-74L196-48Q0-8-196-48Z", easel.across(tone.base, tone.dark))
        + disc((0, -76), (208, 34), tone.light)
        + disc((0, -73), (192, 28), easel.across(tone.dark, tone.base))
    )
    small = group(
        thrown(easel, Tone(TONES["milk"]), [(-70, 46), (-36, 44), (0, 26)], "#b7935a"), "translate(-64,-66)"
    )
    sweets = "".join(
        disc((x, y), (22, 17), easel.ball(Tone(TONES[name])))
        for x, y, name in ((64, -78, "rose"), (106, -70, "celadon"), (86, -92, "straw"))
    )
    tray = body + small + sweets
    return foot + tray if variant % 2 else group(tray, "translate(0 22)")


def basket(easel: Easel, tone: Tone, variant: int) -> str:
    """A woven basket with a hoop or two ears."""
    hoop = (
        stroke("M-120-150C-110-330 110-330 120-150", tone.dark, 15)
        if variant % 2
        else stroke("M-136-140C-190-150-180-80-132-90M136-140C190-150 180-80 132-90", tone.dark, 13)
    )
    linen = path("M-110-156C-80-210-20-190 0-172C40-214 100-196 112-156Z", "#efe7d6") if variant % 3 else ""
    body = path(outline([(-150, 138), (-70, 128), (0, 100)], front=True), easel.turned(tone))
    rows = (-128, -102, -76, -50, -24)
    weave = stroke(
        "".join(f"M{-136 - (y + 128) // -5} {y}q17 18 34 5t34 6t34 2t34-2t34-6t34-5t24-6" for y in rows[:3])
        + "".join(f"M{-136 - (y + 128) // -5} {y}q17 18 34 5t34 6t34 2t34-2t34-6t20-8" for y in rows[3:]),
        tone.deep,
        4,
        'opacity=".42"',
    )
    staves = stroke(
        "M-96-134L-72 8M-50-130L-38 14M0-128V16M50-130L38 14M96-134L72 8", tone.light, 4, 'opacity=".6"'
    )
    rim = stroke("M-138-150A138 23 0 0 0 138-150", tone.dark, 15) + stroke(
        "M-138-152A138 23 0 0 0 138-152", tone.light, 5, 'stroke-dasharray="12 8"'
    )
    return disc((0, -150), (138, 23), tone.deep) + hoop + linen + body + staves + weave + rim


def box(easel: Easel, tone: Tone, variant: int) -> str:
    """A wooden box: lidded, with drawers, or open with things in it."""
    top = path("M-160-190L-116-232H196L160-190Z", tone.light)
    side = path("M160-190L196-232V-40L160 2Z", tone.deep)
    front = block((-160, -190), (320, 192), easel.across(tone.light, tone.base))
    faces = (
        stroke("M-158-130H158", tone.deep, 4) + disc((0, -130), (15, 15), TONES["brass"]),
        stroke("M-148-178H148V-102H-148ZM-148-88H148V-12H-148Z", tone.deep, 4, 'opacity=".7"')
        + disc((0, -140), (12, 12), TONES["brass"])
        + disc((0, -50), (12, 12), TONES["brass"]),
        stroke("M-54-150H54", tone.deep, 22, 'opacity=".75"')
        + stroke("M-150-40H150M-150-76H150", tone.dark, 2, 'opacity=".4"'),
    )
    return (
        side
        + top
        + front
        + faces[variant % 3]
        + stroke("M-130-20C-60-30 40-10 140-24M-130-164C-30-172 60-150 140-166", tone.dark, 2, 'opacity=".4"')
    )


def shelf(easel: Easel, tone: Tone, variant: int) -> str:
    """A wall shelf with a few small things upon it."""
    plank = block((-214, 20), (428, 24), easel.across(tone.light, tone.base, tone.dark), 'rx="4"')
    brackets = stroke("M-150 44v50L-96 46M150 44v50L96 46", tone.deep, 9)
    second = (
        block((-214, 152), (428, 22), easel.across(tone.light, tone.base, tone.dark), 'rx="4"')
        + stroke("M-206 32V160M206 32V160", tone.dark, 13)
        if variant % 2
        else ""
    )
    pot = group(
        thrown(easel, Tone(TONES["celadon"]), [(-90, 22), (-70, 20), (-40, 48), (0, 30)]),
        "translate(-120,16)",
    ) + path(leaf((-120, -72), (-30, -80), 0.4) + leaf((-120, -72), (34, -70), 0.4), TONES["moss"])
    books = "".join(
        block((x, 20 - tall), (24, tall), TONES[name], 'rx="2"')
        for x, tall, name in (
            (20, 118, "indigo"),
            (46, 104, "straw"),
            (72, 124, "terracotta"),
            (98, 96, "milk"),
        )
    )
    lower = (
        group(thrown(easel, Tone(TONES["milk"]), [(-56, 52), (-24, 46), (0, 26)]), "translate(96,150)")
        if variant % 2
        else ""
    )
    return brackets + second + plank + pot + books + lower


def hooks(easel: Easel, tone: Tone, variant: int) -> str:
    """A rail of pegs with a cap of cloth and a bag."""
    rail = block((-214, -120), (428, 56), easel.down(tone.light, tone.base, tone.dark), 'rx="10"')
    pegs = "".join(disc((x, -86), (17, 17), easel.ball(Tone(tone.deep))) for x in (-156, -52, 52, 156))
    scarf = path(
        "M-176-84Q-156-100-136-84L-118 150H-150L-156 40L-164 168H-200Z",
        easel.across(TONES["rose"], TONES["clay"]),
    )
    broom = (
        stroke("M52-86V60", TONES["oak"], 11)
        + path("M30 56H74L96 160Q52 176 8 160Z", TONES["straw"])
        + stroke("M34 70H70M40 90l-12 68M52 90v74M64 90l14 68", TONES["walnut"], 4, 'opacity=".6"')
    )
    cap = path(
        "M98-70Q156-110 214-70Q222-20 206 14Q156 30 106 14Q90-20 98-70Z", easel.turned(Tone(TONES["celadon"]))
    )
    return rail + scarf + (broom if variant % 2 else cap) + pegs


def mirror(easel: Easel, tone: Tone, variant: int) -> str:
    """A mirror framed in wood: round, arched, or oval."""
    shine_ = easel.across("#eef1ec", "#cfd9d8", "#b9c6c8")
    if variant % 2:
        arch = "M-112 190V-70a112 112 0 0 1 224 0V190Z"
        return (
            path(arch, shine_)
            + path("M-60 186L70-150L104-110L-10 186Z", "#fff", 'opacity=".3"')
            + stroke(arch, tone.base, 17)
            + stroke("M-112 180V-70A112 112 0 0 1 20-180", tone.light, 5)
        )
    ring = f'<circle r="160" fill="{shine_}" stroke="{tone.base}" stroke-width="20"/>' + stroke(
        "M-160 0A160 160 0 0 1 60-148", tone.light, 5
    )
    return (
        ring
        + path("M-110 92L60-136L104-104L-60 136Z", "#fff", 'opacity=".35"')
        + stroke("M-50-150C-40-200 40-200 50-150", TONES["walnut"], 8)
    )


def clock(easel: Easel, tone: Tone, variant: int) -> str:
    """A quiet wall clock."""
    face = (
        f'<circle r="168" fill="{easel.ball(tone)}"/><circle r="142" fill="{mix(tone.base, CREAM, 0.86)}"/>'
    )
    hours = stroke("M0-126v16M0 110v16M-126 0h16M110 0h16", tone.deep, 8)
    minor = "".join(
        disc((x, y), (4, 4), tone.deep)
        for x, y in (
            (59, -102),
            (102, -59),
            (102, 59),
            (59, 102),
            (-59, 102),
            (-102, 59),
            (-102, -59),
            (-59, -102),
        )
    )
    hands = (
        stroke("M0 0L-46-50", TONES["ink"], 11) + stroke("M0 0L62-64", TONES["ink"], 7),
        stroke("M0 0L56 30", TONES["ink"], 11) + stroke("M0 0V-94", TONES["ink"], 7),
        stroke("M0 0L-58 14", TONES["ink"], 11) + stroke("M0 0L30-88", TONES["ink"], 7),
    )
    return (
        face
        + hours
        + minor
        + hands[variant % 3]
        + stroke("M0 26L0-20", TONES["persimmon"], 4)
        + disc((0, 0), (11, 11), TONES["brass"])
    )
