"""Things laid on the table and seen from above: paper, pencils, cutlery."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import CREAM, TONES, Easel, Tone, block, disc, group, leaf, mix, path, shine, stroke

STEEL = "#b9bcbb"


def notebook(easel: Easel, tone: Tone, variant: int) -> str:
    """A notebook, thread-bound, clothed in half, or with a band."""
    pages = block((-132, -184), (276, 376), "#ece3d1", 'rx="5"') + stroke("M142-176V186", "#c9bda6", 3)
    cover = block((-140, -190), (276, 376), easel.across(tone.dark, tone.base, tone.light), 'rx="7"')
    faces = (
        stroke("M-106-190V186", tone.deep, 3, 'opacity=".5"')
        + stroke("M-140-140h34M-140-70h34M-140 0h34M-140 70h34M-140 140h34", CREAM, 5),
        block((-140, -190), (82, 376), tone.deep, 'opacity=".55"')
        + block((-20, -120), (116, 66), mix(tone.base, CREAM, 0.8), 'rx="3"')
        + stroke("M0-96h72M0-76h44", tone.deep, 4, 'opacity=".5"'),
        block((84, -190), (15, 376), tone.deep, 'opacity=".8"')
        + stroke("M-128-190V186", tone.deep, 2, 'opacity=".5"'),
        f'<circle cx="0" cy="-40" r="62" fill="{tone.pale}" opacity=".85"/>'
        + path("M-110 120Q-40 10 14 76Q60 0 124 120Z", tone.deep, 'opacity=".45"'),
    )
    return group(pages + cover + faces[variant % 4], f"rotate({(-9, 7, -4, 12)[variant % 4]})")


def pencil(easel: Easel, tone: Tone, variant: int) -> str:
    """Three pencils side by side, or one with its shavings."""

    def one(x: int, shade: Tone, long: int) -> str:
        body = block((x - 15, -long), (30, long + 110), easel.across(shade.light, shade.base, shade.dark))
        tip = path(f"M{x - 15} 110L{x} 172L{x + 15} 110Z", "#e3c79a") + path(
            f"M{x - 5} 152L{x} 172L{x + 5} 152Z", TONES["ink"]
        )
        cap = (
            block((x - 15, -long - 20), (30, 22), TONES["brass"], 'rx="3"')
            if variant % 2
            else disc((x, -long), (15, 5), "#e3c79a")
        )
        return body + tip + cap

    row = one(-62, tone, 190) + one(0, Tone(tone.light), 176) + one(62, Tone(tone.deep), 198)
    curl = stroke("M120 120c20-30 56-20 50 10s-44 26-40 0M140 160c14 12 40 8 44-12", "#e0c08c", 9)
    return group(row + curl, f"rotate({(28, -24, 38)[variant % 3]})")


def envelope(easel: Easel, tone: Tone, variant: int) -> str:
    """An envelope with a card half drawn out."""
    card = block((-140, -190), (280, 200), CREAM, 'rx="4"')
    art = (
        path(
            "".join(leaf((0, y), (side * 44, -22)) for y in (-60, -90, -120) for side in (-1, 1)),
            TONES["moss"],
            'opacity=".75"',
        )
        + stroke("M0-40V-150", TONES["pine"], 4),
        f'<circle cx="56" cy="-128" r="32" fill="{TONES["persimmon"]}" opacity=".8"/>'
        + path("M-130-60Q-70-130-10-76Q40-120 130-60V-40H-130Z", TONES["celadon"]),
    )[variant % 2]
    back = block((-168, -60), (336, 220), tone.dark, 'rx="6"')
    front = path(
        "M-168-56L0 66L168-56V154Q168 160 162 160H-162Q-168 160-168 154Z", easel.down(tone.light, tone.base)
    )
    lines = stroke("M-164 156L-30 46M164 156L30 46", tone.dark, 3, 'opacity=".5"')
    seal = f'<circle cy="62" r="24" fill="{easel.ball(Tone(TONES["terracotta"]))}"/>' if variant % 3 else ""
    return group(back + card + art + front + lines + seal, f"rotate({(-7, 6, 11)[variant % 3]})")


def cutlery(easel: Easel, tone: Tone, variant: int) -> str:
    """A spoon and chopsticks on a rest, or two wooden spoons."""
    metal = easel.across(tone.light, tone.base, tone.dark)
    spoon = path(
        "M-62-176C-20-176-14-110-32-74Q-46-54-54-30L-56 190Q-62 200-70 190L-70-30Q-78-54-92-74C-110-110-104-176-62-176Z",
        metal,
    ) + disc((-62, -122), (24, 38), tone.dark, 'opacity=".35"')
    sticks = path("M22-184L32-184L46 190L34 190Z", metal) + path("M66-184L76-184L82 190L70 190Z", metal)
    rest = block((-96, 96), (206, 30), easel.down("#f3ecdd", "#d3c7b2"), 'rx="15"')
    ladle = path(
        "M48-186C92-186 96-122 74-90Q60-74 58-50L60 184Q48 198 38 184L40-50Q38-74 24-90C2-122 6-186 48-186Z",
        metal,
    )
    pair = ladle if variant % 2 else sticks
    return group(rest + spoon + pair, f"rotate({(14, -18, 24)[variant % 3]})")


def scissors(easel: Easel, tone: Tone, variant: int) -> str:
    """Open shears with wrapped or round grips."""
    blades = path("M-8 10L-70-196Q-56-206-46-190L16-4Z", easel.across("#d8d9d6", STEEL)) + path(
        "M8 10L70-196Q56-206 46-190L-16-4Z", easel.across(STEEL, "#93979a")
    )
    grips = stroke("M6 6C-30 40-104 60-96 130S-20 186-8 120Q-2 60 2 14", tone.base, 21) + stroke(
        "M-6 6C30 40 104 60 96 130S20 186 8 120Q2 60-2 14", tone.dark, 21
    )
    pin = disc((0, 0), (11, 11), TONES["brass"])
    twig = stroke("M-190 120C-130 90-150 60-120 20", "#7f8f66", 6) + path(
        leaf((-150, 86), (-40, -22)) + leaf((-136, 60), (30, -36)), "#8fa27c"
    )
    return group(blades + grips + pin, f"rotate({(22, -16, 34)[variant % 3]})") + (
        twig if variant % 2 else ""
    )


def brush(easel: Easel, tone: Tone, variant: int) -> str:
    """A writing brush, or a scrubbing brush with bristles."""
    if variant % 2:
        wood = path(
            "M-40-190Q0-214 40-190Q52-60 34 0H-34Q-52-60-40-190Z",
            easel.across(TONES["straw"], TONES["oak"], TONES["walnut"]),
        ) + disc((0, -168), (11, 11), TONES["walnut"])
        head = block((-84, -14), (168, 66), easel.across(TONES["straw"], TONES["oak"]), 'rx="24"')
        hair = path("M-78 44H78L92 148Q0 164-92 148Z", easel.down(tone.base, tone.light)) + stroke(
            "".join(f"M{x} 52l{x * 0.1:.0f} 92" for x in range(-66, 80, 22)), tone.dark, 3, 'opacity=".5"'
        )
        return group(hair + wood + head, "rotate(28)")
    stem = block((-13, -210), (26, 260), easel.across("#d3b27c", "#a9814f", "#7d5d3c"), 'rx="8"')
    tuft = path("M-18 60Q-34 110 0 196Q34 110 18 60Z", easel.down("#efe5d0", TONES["ink"])) + block(
        (-19, 44), (38, 24), tone.base, 'rx="5"'
    )
    loop = stroke("M0-210c-26-36 26-36 0 0", tone.base, 5)
    second = group(stem + tuft, "translate(92,14) scale(.72,.88)")
    return group(second + stem + tuft + loop, f"rotate({(32, 0, -26)[variant % 3]})")


def tape(easel: Easel, tone: Tone, variant: int) -> str:
    """Rolls of paper tape or ribbon."""

    def roll(x: int, y: int, shade: Tone, size: int) -> str:
        ring = f'<circle cx="{x}" cy="{y}" r="{size}" fill="{easel.ball(shade)}"/><circle cx="{x}" cy="{y}" r="{size * 0.6:.0f}" fill="#e9ddc6"/>'
        hole = f'<circle cx="{x}" cy="{y}" r="{size * 0.5:.0f}" fill="{shade.deep}" opacity=".55"/>'
        return (
            ring
            + stroke(
                f"M{x} {y - size * 0.86:.0f}A{size * 0.86:.0f} {size * 0.86:.0f} 0 0 1 {x + size * 0.86:.0f} {y}",
                shade.pale,
                3,
                'opacity=".6"',
            )
            + hole
        )

    tail = path("M-60 46L150 150L140 176L-70 74Z", tone.base) + stroke(
        "".join(f"M{x} {60 + x * 0.5:.0f}l-8 18" for x in range(-20, 140, 26)), tone.pale, 5
    )
    return (
        tail
        + roll(-70, -14, tone, 112)
        + roll(92, -84, Tone(TONES["rose"] if variant % 2 else TONES["celadon"]), 82)
        + roll(124, 44, Tone(TONES["ochre"]), 56)
    )


def paper(easel: Easel, tone: Tone, variant: int) -> str:
    """Sheets of handmade paper fanned out, deckle edges showing."""
    deckle = "M-128-178q20 8 42 0t44 2t42-2t44 2t84-2q6 40 0 84t2 90t-2 92t0 88q-40-6-84 0t-88-2t-84 2q-4-50 2-90t-2-90t2-92t-2-92Z"
    sheets = "".join(
        group(path(deckle, shade), f"rotate({turn})")
        for turn, shade in ((-16, tone.dark), (-4, tone.base), (9, easel.down(tone.pale, tone.light)))
    )
    fibre = stroke(
        "M-60-120q16 10 8 26M40-80q-20 6-16 22M-20 20q20-8 30 6M60 90q-18 4-20 20M-80 100q10-16 26-8M10-140q12 4 10 16",
        tone.dark,
        2,
        'opacity=".55"',
    )
    petals = (
        path(
            "".join(leaf((x, y), (22, -14), 0.5) for x, y in ((-50, -40), (30, 40), (-10, 110), (60, -110))),
            TONES["moss"],
            'opacity=".5"',
        )
        if variant % 2
        else ""
    )
    return sheets + group(fibre + petals, "rotate(9)")


def wrap(easel: Easel, tone: Tone, variant: int) -> str:
    """Rolls of patterned paper tied with string."""

    def roll(x: int, shade: Tone, dots: int) -> str:
        tube = block(
            (x - 36, -196), (72, 380), easel.across(shade.light, shade.base, shade.dark), 'rx="4"'
        ) + disc((x, -196), (36, 10), shade.deep)
        rows = range(-166, 170, 44)
        figure = (
            "".join(
                f'<circle cx="{x - 14 + (y // 44 % 2) * 24}" cy="{y}" r="7" fill="{shade.pale}"/>'
                for y in rows
            )
            if dots
            else stroke("".join(f"M{x - 36} {y}q18-14 36 0t36 0" for y in rows), shade.pale, 4)
        )
        return tube + figure

    bands = stroke("M-122 10H120M-122 20H120", TONES["walnut"], 4) + stroke(
        "M-6 16c-40-40-50 10 0 0c50 10 40-40 0 0l-24 40M0 18l26 38", TONES["walnut"], 4
    )
    return group(
        roll(-80, tone, variant % 2)
        + roll(80, Tone(tone.pale), 1 - variant % 2)
        + roll(0, Tone(tone.light), variant % 2)
        + bands,
        f"rotate({(24, -20, 32)[variant % 3]})",
    )


def mat(easel: Easel, tone: Tone, variant: int) -> str:
    """A woven or felted mat with something small upon it."""
    if variant % 2:
        ring = f'<circle r="172" fill="{easel.ball(tone)}"/>' + "".join(
            f'<circle r="{r}" fill="none" stroke="{tone.dark}" stroke-width="4" stroke-dasharray="13 6" opacity=".55"/>'
            for r in (24, 54, 84, 114, 144, 166)
        )
        return ring + stroke("M0-172c-20-36 20-36 0 0", tone.dark, 6)
    sheet = block((-212, -140), (424, 280), easel.across(tone.light, tone.base), 'rx="14"')
    seam = stroke("M-196-124H196V124H-196Z", tone.dark, 3, 'stroke-dasharray="9 8" opacity=".6"')
    slip = (
        block((40, -84), (110, 150), CREAM, 'rx="3" transform="rotate(6)"')
        + stroke("M-120-70L-60 96", TONES["oak"], 13)
        + stroke("M-62 90l4 14", TONES["ink"], 9)
    )
    return group(sheet + seam + slip, f"rotate({(-5, 0, 6)[variant % 3]})")


def seeds(easel: Easel, tone: Tone, variant: int) -> str:
    """A paper packet of seeds, some spilled."""
    packet = block((-112, -180), (224, 320), easel.down(tone.light, tone.base), 'rx="6"') + block(
        (-112, -180), (224, 46), tone.dark, 'rx="6"'
    )
    window = block((-78, -110), (156, 180), CREAM, 'rx="78"')
    sprout = stroke("M0 56C-4 10 4-10 0-44", TONES["moss"], 7) + path(
        leaf((0, 0), (-52, -34)) + leaf((0, -12), (52, -38)) + leaf((0, -40), (6, -46), 0.5), TONES["moss"]
    )
    bloom = "".join(
        disc((x, y), (17, 17), mix(tone.base, CREAM, 0.12))
        for x, y in ((0, -70), (-26, -52), (26, -52), (0, -38))
    ) + disc((0, -53), (12, 12), TONES["ochre"])
    spill = "".join(
        disc((x, y), (9, 6), TONES["walnut"], f'transform="rotate({x % 70} {x} {y})"')
        for x, y in ((134, 150), (160, 128), (108, 174), (174, 168), (142, 190), (86, 160))
    )
    return group(packet + window + sprout + (bloom if variant % 2 else ""), "rotate(-9)") + spill


def ruler(easel: Easel, tone: Tone, variant: int) -> str:
    """A wooden ruler with a set square or a bookmark."""
    stick = block((-206, -34), (412, 68), easel.down(tone.light, tone.base), 'rx="5"')
    marks = stroke(
        "".join(f"M{x}-32v{26 if x % 80 == 0 else 15}" for x in range(-180, 200, 20)), tone.deep, 3
    )
    square = path("M-150 150L110 150L-150-40Z", tone.dark, 'opacity=".8"') + path(
        "M-118 124L26 124L-118 20Z", "#efe6d5"
    )
    ribbon = path("M-40 60H20V190L-10 166L-40 190Z", TONES["terracotta"])
    return group(
        (square if variant % 2 else ribbon) + group(stick + marks, "translate(0,-90)"),
        f"rotate({(-16, 12, -28)[variant % 3]})",
    )


def clip(easel: Easel, tone: Tone, variant: int) -> str:
    """Brass clips and pins scattered with a sheet."""
    sheet = block(
        (-120, -150), (240, 320), easel.down(CREAM, "#eee3cf"), 'rx="3" transform="rotate(-8)"'
    ) + group(stroke("M-80-60H80M-80-24H80M-80 12H40M-80 48H70", "#c9bda8", 4), "rotate(-8)")
    big = stroke("M-20-196V-70a24 24 0 0 0 48 0V-170a38 38 0 0 0-76 0V-60", tone.base, 11)
    small = "".join(
        group(
            stroke("M0 0V60a14 14 0 0 0 28 0V10a22 22 0 0 0-44 0V70", tone.dark, 7),
            f"translate({x},{y}) rotate({turn})",
        )
        for x, y, turn in ((130, -60, 30), (150, 90, -40), (-170, 70, 16))
    )
    return sheet + big + small + (shine("M-44-150V-80", 0.4) if variant % 2 else "")
