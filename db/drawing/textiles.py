"""Cloth: folded, hung, rolled, stuffed, or laid flat."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import CREAM, TONES, Easel, Tone, block, disc, group, mix, path, shine, stroke


def blanket(easel: Easel, tone: Tone, variant: int) -> str:
    """A folded blanket, its fringe or stripes to the front."""
    layers = ""
    for step in range(3):
        top = -64 * (step + 1)
        shade = easel.across(tone.light, tone.base, tone.dark)
        layers += path(
            f"M-150 {top}H140Q178 {top + 4} 178 {top + 32}T140 {top + 64}H-150Q-166 {top + 32}-150 {top}Z",
            shade,
        )
        layers += stroke(f"M-146 {top + 62}H140Q176 {top + 60} 177 {top + 34}", tone.deep, 3, 'opacity=".45"')
    cover = path("M-150-192Q-130-222-96-222H96Q160-222 140-192Z", tone.light)
    stripes = stroke("M-112-190V-2M-88-190V-2", tone.pale, 7, 'opacity=".8"') if variant % 2 else ""
    fringe = stroke("".join(f"M{x}-2v22" for x in range(-138, 140, 16)), tone.light, 5) if variant % 3 else ""
    return fringe + layers + cover + stripes


def cushion(easel: Easel, tone: Tone, variant: int) -> str:
    """A square cushion leaning a little."""
    shape = "M-138-222Q0-206 138-222Q158-226 154-206Q138-112 154-16Q158 8 138 2Q0-12-138 2Q-158 8-154-16Q-138-112-154-206Q-158-226-138-222Z"
    seams = (
        stroke("M-100-214V-6M-50-210V-10M0-208V-8M50-210V-10M100-214V-6", tone.dark, 3, 'opacity=".5"'),
        stroke("M-146-160H146M-143-132H143M-143-70H143M-146-42H146", tone.pale, 9, 'opacity=".75"'),
        stroke("M-144-208L144-16M144-208L-144-16", tone.pale, 3, 'opacity=".7"')
        + disc((0, -111), (12, 11), tone.deep),
        stroke("M-60-150q60-40 120 0v76q-60 40-120 0Z", tone.pale, 6, 'opacity=".8"'),
    )
    body = path(shape, easel.ball(tone)) + seams[variant % 4]
    return group(body + stroke(shape, tone.dark, 3, 'opacity=".5"'), f"rotate({(-4, 3, -2)[variant % 3]})")


def towel(easel: Easel, tone: Tone, variant: int) -> str:
    """Rolled towels in a pyramid, or a folded stack."""
    if variant % 2:

        def roll(x: int, y: int, shade: Tone) -> str:
            swirl = stroke(
                f"M{x} {y}m-10 0a12 12 0 1 1 22 6a28 28 0 1 1-8-36a44 44 0 1 1-26 62",
                shade.dark,
                5,
                'opacity=".7"',
            )
            return f'<circle cx="{x}" cy="{y}" r="70" fill="{easel.ball(shade)}"/>' + swirl

        return roll(-76, -70, tone) + roll(72, -70, Tone(tone.light)) + roll(-2, -190, Tone(tone.pale))
    stack = ""
    for step, shade in enumerate((tone, Tone(tone.light), Tone(tone.pale))):
        y = -66 * (step + 1)
        inset = step * 8
        stack += block(
            (-150 + inset, y),
            (300 - 2 * inset, 64),
            easel.across(shade.light, shade.base, shade.dark),
            'rx="30"',
        )
        stack += stroke(f"M{-140 + inset} {y + 32}H{140 - inset}", shade.dark, 3, 'opacity=".6"')
        stack += stroke(f"M{-90 + inset} {y + 3}v58m14-58v58", tone.dark, 4, 'opacity=".35"')
    return stack


def rug(easel: Easel, tone: Tone, variant: int) -> str:
    """A rug half unrolled from the left."""
    sheet = path("M-70-50L186-34L150 26L-150 14Z", easel.across(tone.dark, tone.base, tone.light))
    lines = stroke("M20-44L-24 20M90-40L60 22M150-36L124 25", tone.pale, 8, 'opacity=".8"')
    fringe = stroke("".join(f"M{186 - at * 6} {-34 + at * 10}l20 2" for at in range(7)), tone.pale, 4)
    roll = block((-190, -74), (150, 92), easel.down(tone.light, tone.base, tone.deep), 'rx="20"')
    face = disc((-56, -28), (24, 46), tone.dark) + stroke(
        "M-56-28a8 18 0 1 1 6 16M-56-52a18 34 0 1 0 4 50", tone.light, 4
    )
    bands = stroke("M-170-70v84M-140-72v88M-110-72v88", tone.pale, 6, 'opacity=".7"') if variant % 2 else ""
    return group(fringe + sheet + lines + roll + bands + face, "translate(0,-6) scale(1.12)")


def apron(easel: Easel, tone: Tone, variant: int) -> str:
    """An apron on a wooden peg."""
    cloth = path(
        "M-62-150Q0-136 62-150C66-90 90-60 122-52L130 168Q0 188-130 168L-122-52C-90-60-66-90-62-150Z",
        easel.across(tone.light, tone.base, tone.base, tone.dark),
    )
    strap = stroke("M-56-150C-40-232-14-244 0-246C14-244 40-232 56-150", tone.dark, 10)
    ties = stroke("M-122-44C-156-20-150 40-166 84M122-44C156-20 148 44 168 72", tone.dark, 8)
    pocket = path("M-72 26H72V98Q0 110-72 98Z", tone.base) + stroke(
        "M-72 26H72V98Q0 110-72 98ZM0 26v78", tone.deep, 3, 'opacity=".55"'
    )
    folds = stroke("M-30-132C-34-60-60 60-64 168M40-128C44-40 70 90 72 166", tone.deep, 4, 'opacity=".22"')
    pinstripes = stroke(
        "".join(f"M{x}-134L{x * 1.9:.0f} 172" for x in (-44, -22, 0, 22, 44)), tone.pale, 3, 'opacity=".5"'
    )
    peg = block((-46, -262), (92, 22), TONES["oak"], 'rx="6"') + disc((0, -248), (13, 13), TONES["walnut"])
    return peg + strap + ties + cloth + folds + (pinstripes if variant % 2 else "") + pocket


def tote(easel: Easel, tone: Tone, variant: int) -> str:
    """A cloth bag on a peg, something green looking out."""
    grip = stroke("M-64-70C-60-220-20-238 0-240C20-238 60-220 64-70", tone.dark, 13)
    greens = (
        stroke("M30-80C36-120 60-150 84-172M30-80C24-120 30-160 36-190", "#7b8d66", 9) if variant % 2 else ""
    )
    sack = path("M-124-84Q0-74 124-84L136 150Q0 168-136 150Z", easel.across(tone.light, tone.base, tone.dark))
    seam = stroke("M-122-64Q0-54 122-64", tone.deep, 3, 'opacity=".4" stroke-dasharray="8 8"')
    mark = (
        (
            f'<circle cy="42" r="46" fill="{tone.pale}"/>'
            + path("M-46 42a46 46 0 0 0 92 0q-46-34-92 0Z", tone.dark)
        )
        if variant % 2
        else stroke("M-40 56C-20-10 20-10 40 56M-26 30H26", tone.pale, 7)
    )
    peg = disc((0, -240), (15, 15), easel.ball(Tone(TONES["oak"])))
    return greens + sack + seam + mark + grip + peg


def curtain(easel: Easel, tone: Tone, variant: int) -> str:
    """A door curtain in two halves on a rod."""
    rod = stroke("M-204-204H204", TONES["walnut"], 13)
    ends = disc((-206, -204), (13, 13), TONES["oak"]) + disc((206, -204), (13, 13), TONES["oak"])
    shade = easel.across(tone.light, tone.base, tone.light, tone.base, tone.dark)
    halves = path("M-184-200H-4C-8-60 2 60-8 190Q-96 202-186 190Z", shade) + path(
        "M4-200H184L186 190Q96 202 8 190C-2 60 8-60 4-200Z", shade
    )
    loops = stroke("".join(f"M{x}-214v26" for x in (-160, -96, -32, 32, 96, 160)), tone.dark, 16)
    marks = (
        f'<circle r="84" fill="none" stroke="{tone.pale}" stroke-width="12" opacity=".85"/>',
        path(
            "M-186 96Q-96 40-6 96L-8 190Q-96 202-186 190ZM5 110Q96 52 186 104V190Q96 202 8 190Z",
            tone.dark,
            'opacity=".55"',
        ),
        stroke("M-180 130H-10M10 130H182M-180 152H-10M10 152H182", tone.pale, 7, 'opacity=".8"'),
    )
    return rod + ends + halves + loops + marks[variant % 3]


def napkin(easel: Easel, tone: Tone, variant: int) -> str:
    """A square of cloth folded on the table, hemmed or pieced."""
    cloth = block((-158, -158), (316, 316), easel.down(tone.light, tone.base), 'rx="8"')
    fold = path("M-158 158V-40Q-40 10 158 158Z", tone.dark, 'opacity=".3"') + path(
        "M-158 158L-158-6Q-20 30 60 158Z", tone.light
    )
    hem = stroke("M-140-140H140V140", tone.pale, 4, 'stroke-dasharray="10 9"')
    checks = stroke(
        "M-100-158V158M-40-158V158M20-158V158M80-158V158M-158-100H158M-158-40H158M-158 20H158",
        tone.pale,
        14,
        'opacity=".45"',
    )
    return group(cloth + (checks if variant % 2 else "") + fold + hem, f"rotate({(-12, 9, 20)[variant % 3]})")


def bojagi(easel: Easel, tone: Tone, variant: int) -> str:
    """A gift wrapped in a pieced cloth and knotted on top."""
    box = path("M-140-140Q0-160 140-140L150-8Q0 14-150-8Z", easel.across(tone.light, tone.base, tone.dark))
    pieces = (
        path("M-140-140L-20-150L0-40L-146-60Z", tone.pale, 'opacity=".6"')
        + path("M0-40L144-70L150-8Q60 6 10 4Z", tone.deep, 'opacity=".3"')
        + path("M60-148L140-140L146-70L40-50Z", TONES["rose"], 'opacity=".55"')
    )
    folds = stroke(
        "M-8-146C-60-110-110-60-150-10M8-146C60-110 110-60 150-10M0-146V4", tone.deep, 3, 'opacity=".35"'
    )
    ears = path(
        "M-4-150C-60-236-120-226-134-180C-96-186-50-170-4-140Z", easel.down(tone.pale, tone.base)
    ) + path("M4-150C40-244 108-244 130-206C92-202 50-176 4-140Z", easel.down(tone.light, tone.dark))
    return (
        box
        + pieces
        + folds
        + ears
        + disc((0, -148), (26, 18), easel.ball(Tone(tone.dark if variant % 2 else tone.base)))
    )


def pouch(easel: Easel, tone: Tone, variant: int) -> str:
    """A flat pouch with a zip or a drawn string."""
    body = path(
        "M-160-96Q0-108 160-96L168 96Q160 122 130 122H-130Q-160 122-168 96Z",
        easel.across(tone.light, tone.base, tone.dark),
    )
    zipper = (
        stroke("M-158-84Q0-96 158-84", TONES["brass"], 7)
        + stroke("M-158-84Q0-96 158-84", tone.deep, 3, 'stroke-dasharray="3 6"')
        + stroke("M150-82l34 30", TONES["brass"], 8)
    )
    quilt = stroke(
        "M-160-20L-90 122M-150-90L-20 122M-70-100L60 122M10-102L130 122M90-100L166 40M160-20L90 122M150-90L20 122M70-100L-60 122M-10-102L-130 122M-90-100L-166 40",
        tone.dark,
        3,
        'opacity=".4"',
    )
    patch = block((-44, 20), (88, 56), tone.pale, 'rx="4"') + stroke("M-22 40h44M-22 56h26", tone.dark, 4)
    return group(body + zipper + (quilt if variant % 2 else patch), f"rotate({(-9, 7, 14)[variant % 3]})")


def slippers(easel: Easel, tone: Tone, variant: int) -> str:
    """A pair of house shoes seen from above."""

    def one(turn: int) -> str:
        sole = path(
            "M-62 150Q-80 20-66-80Q-50-170 0-170T66-80Q80 20 62 150Q0 190-62 150Z", mix(tone.base, CREAM, 0.7)
        )
        inner = path(
            "M-46 140Q-58 30-50-60H50Q58 30 46 140Q0 168-46 140Z",
            mix(tone.base, "#8a6a50", 0.25),
            'opacity=".45"',
        )
        upper = path("M-76 16Q-78-170 0-172T76 16Q0-34-76 16Z", easel.ball(tone)) + stroke(
            "M-74 12Q0-36 74 12", tone.dark, 5
        )
        return group(
            sole + inner + upper + (stroke("M0-166V-18", tone.dark, 4, 'opacity=".5"') if turn % 2 else ""),
            "scale(.98)",
        )

    return group(one(variant), "translate(-92,6) rotate(-7)") + group(
        one(variant), "translate(92,-8) rotate(6)"
    )


def thread(easel: Easel, tone: Tone, variant: int) -> str:
    """A ball of yarn with two needles, or spools side by side."""
    if variant % 2:
        spools = ""
        for at, shade in enumerate((tone, Tone(tone.pale), Tone(tone.deep))):
            x = -112 + at * 112
            spools += block((x - 38, -150), (76, 134), easel.turned(shade), 'rx="8"') + stroke(
                "".join(f"M{x - 37} {y}l74 8" for y in range(-138, -20, 16)), shade.deep, 2, 'opacity=".5"'
            )
            spools += block((x - 46, -166), (92, 20), TONES["oak"], 'rx="6"') + block(
                (x - 46, -20), (92, 20), TONES["walnut"], 'rx="6"'
            )
        return spools
    needles = (
        stroke("M-150-250L60-60M150-262L-40-60", TONES["oak"], 11)
        + disc((-152, -252), (12, 12), TONES["walnut"])
        + disc((152, -264), (12, 12), TONES["walnut"])
    )
    ball = f'<circle cy="-112" r="118" fill="{easel.ball(tone)}"/>'
    turns = stroke(
        "M-100-170C-40-230 60-210 108-150M-114-132C-40-196 60-180 116-112M-112-86C-50-150 60-140 108-70M-60-214C-110-130-70-40-20-4M-10-230C-60-140-30-40 30-2M44-222C0-140 20-50 74-20",
        tone.dark,
        5,
        'opacity=".5"',
    )
    return (
        needles
        + ball
        + turns
        + stroke("M60-10C130 20 150-20 190 6", tone.base, 6)
        + shine("M-76-150C-66-172-50-186-34-194", 0.3)
    )
