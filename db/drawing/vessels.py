"""Things thrown on the wheel: cups, bowls, vases, jars."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import (
    CREAM,
    TONES,
    Easel,
    Profile,
    Tone,
    disc,
    group,
    leaf,
    mix,
    outline,
    path,
    shine,
    specks,
    stroke,
    thrown,
)

SAND = Tone("#c9a98a")
TEA = "#b98b4a"


def mug(easel: Easel, tone: Tone, variant: int) -> str:
    """A mug with its ear to the right, sometimes with a bare clay foot."""
    widths = ((92, 92, 88, 74), (84, 96, 100, 84), (96, 90, 84, 80))[variant % 3]
    profile = list(zip((-200.0, -130.0, -40.0, 0.0), map(float, widths), strict=True))
    ear = (
        "M78-158C170-172 178-52 80-48"
        if variant % 2
        else "M84-160C150-166 164-118 150-84C140-58 112-46 82-48"
    )
    foot = path(
        outline([(-46, widths[2] + 1), (-20, widths[2] - 3), (0, widths[3])], front=True), easel.turned(SAND)
    )
    return (
        stroke(ear, tone.dark, 25)
        + stroke(ear, tone.base, 17)
        + thrown(easel, tone, profile, easel.down(mix(TEA, "#402818", 0.5), TEA) if variant % 2 else "")
        + (foot if variant % 3 else "")
        + shine("M-66-150C-70-110-68-80-64-60")
        + specks(tone, variant)
    )


def cup(easel: Easel, tone: Tone, variant: int) -> str:
    """Two tea cups, one set a little behind."""
    tall = variant % 2 * 40
    profile = [(-104.0 - tall, 74.0), (-62, 70), (-24, 54), (-12, 36), (0, 36)]
    front = thrown(easel, tone, profile, easel.down("#8f6a38", "#d2b070")) + shine(
        f"M-54{-84 - tall}C-54-66-50-50-42-38"
    )
    behind = thrown(easel, Tone(tone.light), profile)
    return group(behind, "translate(92,-34) scale(.92)") + group(front, "translate(-62,10) scale(1.12)")


def teapot(easel: Easel, tone: Tone, variant: int) -> str:
    """A teapot: with an ear, a side handle, or a bow of bamboo."""
    spout = path(
        "M-84-62C-128-70-132-118-164-136L-144-146C-112-136-104-116-76-112Z", easel.down(tone.base, tone.dark)
    )
    handles = (
        stroke("M96-118C168-136 172-34 92-34", tone.dark, 20)
        + stroke("M96-119C166-136 170-35 92-36", tone.base, 12),
        path("M92-96L182-128A14 14 0 0 1 190-100L98-60Z", easel.down(tone.light, tone.dark)),
        stroke("M-74-128C-92-262 92-262 74-128", TONES["walnut"], 11)
        + stroke("M-60-190C-40-236 40-236 60-190", TONES["straw"], 9),
    )
    return (
        handles[variant % 3]
        + spout
        + path(outline([(-142, 52), (-122, 88), (-72, 112), (-24, 86), (0, 60)]), easel.turned(tone))
        + disc((0, -142), (54, 11), tone.deep)
        + path("M-52-144Q0-186 52-144A52 10 0 0 1-52-144Z", easel.turned(tone))
        + disc((0, -174), (14, 12), easel.ball(tone))
        + shine("M-78-102C-88-78-84-56-72-42")
    )


def bowl(easel: Easel, tone: Tone, variant: int) -> str:
    """An open bowl, one of rice, or a nest of two."""
    wide = [(-118.0, 140.0), (-84, 132), (-34, 92), (-16, 54), (0, 52)]
    return (_open_bowl, _rice_bowl, _nested_bowls)[variant % 3](easel, tone, wide)


def _open_bowl(easel: Easel, tone: Tone, wide: Profile) -> str:
    line = stroke("M-134-96A140 25 0 0 0 134-96", tone.dark, 4, 'opacity=".5"')
    return thrown(easel, tone, wide) + line + shine("M-112-82C-104-64-92-50-80-40")


def _rice_bowl(easel: Easel, tone: Tone, _: Profile) -> str:
    profile = [(-136.0, 118.0), (-80, 120), (-32, 88), (-14, 50), (0, 48)]
    rice = disc((0, -142), (96, 30), easel.down("#fffdf6", "#e9e0cd"))
    return thrown(easel, tone, profile) + rice + shine("M-98-100C-96-76-86-54-76-44")


def _nested_bowls(easel: Easel, tone: Tone, wide: Profile) -> str:
    inner = group(thrown(easel, Tone(tone.pale), wide), "translate(0,-52) scale(.86)")
    front = path(outline(wide, front=True), easel.turned(tone))
    return thrown(easel, tone, wide) + inner + front + specks(tone, 1)


def plate(easel: Easel, tone: Tone, variant: int) -> str:
    """A round plate from above, its well drawn in rings."""
    rim = disc((0, 0), (196, 196), easel.ball(Tone(tone.light)))
    well = disc((0, 0), (134, 134), easel.across(tone.base, tone.light)) + disc(
        (4, 5), (130, 130), tone.light
    )
    edge = f'<circle r="190" fill="none" stroke="{tone.dark}" stroke-width="5" opacity=".55"/>'
    sprig = stroke("M-58 62C-20 20 20-20 66-66", tone.deep, 4, 'opacity=".7"') + path(
        "".join(
            leaf((x, -x), (d, d * 0.2 - 26)) + leaf((x, -x), (26, 32 - d * 0.3))
            for x, d in ((-36, -30), (0, -32), (34, -28))
        ),
        tone.deep,
        'opacity=".6"',
    )
    waves = "".join(
        stroke(f"M-96 {y}q24-22 48 0t48 0t48 0t48 0", tone.dark, 4, 'opacity=".45"') for y in (-30, 0, 30)
    )
    return rim + (edge if variant % 2 else "") + well + ("", sprig, waves, specks(tone, 1))[variant % 4]


def vase(easel: Easel, tone: Tone, variant: int) -> str:
    """A vase with one or two branches."""
    profiles = (
        [(-210.0, 30.0), (-176, 24), (-120, 76), (-50, 92), (0, 56)],
        [(-220.0, 44.0), (-150, 58), (-70, 66), (0, 52)],
        [(-190.0, 40.0), (-170, 28), (-140, 36), (-84, 96), (-30, 84), (0, 58)],
    )
    profile = profiles[variant % 3]
    top = profile[0][0] + 4
    return (
        branch(variant, top)
        + thrown(easel, tone, profile)
        + shine("M-58-100C-66-76-64-56-56-40")
        + specks(tone, variant)
    )


def branch(variant: int, top: float) -> str:
    """Branches that rise from a mouth: eucalyptus, blossom, or grass."""
    return (_eucalyptus, _blossom, _grass)[variant % 3](top)


def _eucalyptus(top: float) -> str:
    stems = stroke(f"M0 {top:.0f}C-10-260-50-310-64-380M2 {top:.0f}C14-260 40-290 74-340", "#6b6a4c", 5)
    leaves = "".join(
        leaf((x, y), (dx, dy), 0.45)
        for x, y, dx, dy in (
            (-12, -256, -44, -18),
            (-24, -288, 42, -24),
            (-42, -326, -46, -14),
            (-52, -350, 38, -26),
            (-62, -378, -16, -40),
            (16, -262, 44, 2),
            (38, -292, -8, -44),
            (54, -314, 46, -6),
            (74, -340, 26, -32),
        )
    )
    return stems + path(leaves, "#7f9478")


def _blossom(top: float) -> str:
    stems = stroke(
        f"M0 {top:.0f}C0-280-24-320-84-372M-10-284C20-320 50-340 60-392M-44-340L-36-394", "#6a5144", 6
    )
    buds = "".join(
        disc((x, y), (11, 10), "#d98f6b" if x % 4 else "#e5b59a")
        for x, y in (
            (-84, -374),
            (-60, -348),
            (-36, -396),
            (-34, -366),
            (60, -394),
            (46, -356),
            (24, -326),
            (66, -366),
            (-14, -312),
        )
    )
    return stems + buds


def _grass(top: float) -> str:
    blades = f"M0 {top:.0f}C-16-270-60-330-96-352M0 {top:.0f}C-6-280-20-340-22-396M2 {top:.0f}C10-280 40-330 56-380M4 {top:.0f}C30-260 70-290 104-300"
    plumes = "".join(
        leaf((x, y), (dx, dy), 0.16)
        for x, y, dx, dy in (
            (-60, -322, -52, -36),
            (-20, -350, -4, -66),
            (42, -346, 26, -62),
            (74, -288, 54, -18),
        )
    )
    return stroke(blades, "#a08a5a", 4) + path(plumes, "#d9c193")


def moonjar(easel: Easel, tone: Tone, variant: int) -> str:
    """A moon jar, round as the moon and as little perfect."""
    lean = 3 if variant % 2 else -3
    body = thrown(
        easel, tone, [(-248.0, 52.0), (-232, 54), (-196, 108), (-124, 140), (-52, 110), (-14, 60), (0, 58)]
    )
    seam = stroke("M-138-122A140 22 0 0 0 138-118", tone.dark, 2, 'opacity=".3"')
    glow = disc((-46, -158), (44, 52), easel.glow(CREAM, CREAM + "/0"), 'opacity=".75"')
    return group(body + seam + glow, f"rotate({lean * 0.4:.1f})")


def jar(easel: Easel, tone: Tone, variant: int) -> str:
    """A lidded crock of the soy-sauce terrace."""
    wide = 118 + variant % 3 * 8
    body = path(
        outline([(-190, 78), (-168, wide - 12), (-110, wide), (-40, 88), (0, 72)]), easel.turned(tone)
    )
    bands = stroke(f"M{-wide + 8} -128A{wide} 20 0 0 0 {wide - 8} -128", tone.deep, 3, 'opacity=".45"')
    wave = stroke("M-96-88q24 22 48 8t48 2t48-2t44-8", tone.light, 4, 'opacity=".5"') if variant % 2 else ""
    lid = path("M-92-192Q-84-218 0-220Q84-218 92-192A92 16 0 0 1-92-192Z", easel.turned(Tone(tone.dark)))
    return (
        body
        + bands
        + wave
        + disc((0, -190), (84, 15), tone.deep)
        + lid
        + disc((0, -222), (16, 9), easel.ball(tone))
        + shine("M-92-130C-98-104-92-80-84-62")
    )


def pitcher(easel: Easel, tone: Tone, variant: int) -> str:
    """A pouring vessel with a lip to the left."""
    profile = [(-214.0, 58.0), (-170, 60), (-110, 84), (-46, 92), (0, 68)]
    if variant % 2:
        profile = [(-176.0, 70.0), (-130, 66), (-70, 96), (-30, 90), (0, 62)]
    top, mouth = profile[0]
    ear = f"M{mouth - 8:.0f} {top + 24:.0f}C156 {top + 10:.0f} 148-70 84-60"
    lip = path(
        f"M{-mouth + 2:.0f} {top:.0f}L{-mouth - 34:.0f} {top - 14:.0f}Q{-mouth - 14:.0f} {top + 26:.0f} {-mouth + 8:.0f} {top + 44:.0f}Z",
        tone.light,
    )
    return (
        stroke(ear, tone.dark, 20)
        + stroke(ear, tone.base, 13)
        + lip
        + thrown(easel, tone, profile)
        + shine("M-62-100C-70-80-68-56-62-42")
        + specks(tone, variant)
    )
