"""Small things of the desk, the stove and the basin."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import (
    CREAM,
    DUSK,
    TONES,
    Easel,
    Tone,
    block,
    disc,
    group,
    mix,
    outline,
    path,
    shine,
    stroke,
    thrown,
)

OAK = Tone(TONES["oak"])


def board(easel: Easel, tone: Tone, variant: int) -> str:
    """A cutting board leaning, with its handle and grain."""
    shapes = (
        "M-112-250Q-112-266-96-266H-34C-30-300-34-352 0-352S30-300 34-266H96Q112-266 112-250V-14Q112 2 96 2H-96Q-112 2-112-14Z",
        "M0-318C96-318 130-246 130-152S96 4 0 4S-130-58-130-152S-96-318 0-318Z",
        "M-150-230Q-150-250-130-250H130Q150-250 150-230V-18Q150 2 130 2H-130Q-150 2-150-18Z",
    )
    slab = path(shapes[variant % 3], tone.deep, 'transform="translate(9,2)"') + path(
        shapes[variant % 3], easel.across(tone.light, tone.base, tone.base)
    )
    grain = stroke(
        "M-80-220C-60-150-90-80-74-14M-30-230C-10-150-44-90-22-10M24-232C48-150 4-80 30-12M74-216C92-140 60-70 80-16",
        tone.dark,
        3,
        'opacity=".4"',
    )
    hole = disc((0, (-326, -286, -226)[variant % 3]), (12, 12), tone.deep)
    return group(slab + grain + hole, f"rotate({(-4, 3, 0)[variant % 3]})")


def utensils(easel: Easel, tone: Tone, variant: int) -> str:
    """Ladles and turners standing in a crock."""
    wood = (OAK.base, TONES["walnut"])[variant % 2]
    light = mix(wood, CREAM, 0.3)
    handles = stroke("M-30-160L-66-280M6-160L4-300M40-160L84-276", wood, 14)
    heads = (
        path("M-52-270Q-110-300-96-372Q-56-398-34-346Q-30-300-58-266Z", light)
        + path("M-24-296H32L38-394Q4-412-30-394Z", wood)
        + stroke("M-8-320v-54M16-320v-54", mix(wood, DUSK, 0.35), 6)
        + path("M70-266Q60-330 104-366Q142-350 132-300Q112-262 76-258Z", light)
    )
    crock = thrown(easel, tone, [(-180, 100), (-130, 104), (-40, 100), (0, 88)])
    return handles + heads + crock + shine("M-76-140V-60")


def whisk(easel: Easel, tone: Tone, variant: int) -> str:
    """A bamboo tea whisk on its stand beside a bowl."""
    hold = thrown(easel, tone, [(-120, 58), (-96, 44), (-60, 66), (-20, 74), (0, 60)])
    tines = path(
        "M-26-190C-80-170-72-110-46-100H46C72-110 80-170 26-190Z", easel.turned(Tone("#dcc08c"))
    ) + stroke("M-16-188C-50-160-46-120-30-102M0-190V-102M16-188C50-160 46-120 30-102", "#a98a54", 3)
    grip = block((-24, -286), (48, 98), easel.turned(Tone("#d4b47c")), 'rx="6"') + stroke(
        "M-24-200H24", TONES["ink"], 5
    )
    if variant % 2:
        scoop = stroke("M-130 6L-186-150Q-196-176-176-184", "#b08c54", 11)
        return group(scoop, "translate(30,0)") + tines + grip + hold
    return tines + grip + hold


def books(easel: Easel, tone: Tone, variant: int) -> str:
    """A bookend holding three books upright, or books lying."""
    if variant % 2:
        lying = "".join(
            block(
                (-150 + at * 14, -62 * (at + 1)),
                (300 - at * 34, 58),
                easel.across(shade.light, shade.base, shade.dark),
                'rx="5"',
            )
            + block((120 - at * 20, -62 * (at + 1) + 8), (26, 42), CREAM)
            for at, shade in enumerate((tone, Tone(TONES["straw"]), Tone(tone.deep)))
        )
        return lying + path("M-60-190C-40-230 60-230 80-190Z", easel.ball(Tone(TONES["ash"])))
    upright = "".join(
        block((x, -tall), (wide, tall), easel.across(shade.light, shade.base), 'rx="3"')
        + stroke(f"M{x + 8} {-tall + 34}h{wide - 16}M{x + 8} -44h{wide - 16}", shade.pale, 5)
        for x, wide, tall, shade in (
            (-136, 52, 250, Tone(TONES["indigo"])),
            (-82, 40, 226, Tone(TONES["milk"])),
            (-40, 58, 262, Tone(TONES["terracotta"])),
        )
    )
    leaning = group(
        block((0, -236), (44, 236), TONES["celadon"], 'rx="3"') + stroke("M8-200h28M8-44h28", CREAM, 5),
        "translate(26,0) rotate(9)",
    )
    end = path(
        "M124 2V-170Q124-186 140-186Q196-120 196 2Z", easel.across(tone.light, tone.base, tone.dark)
    ) + block((60, -10), (140, 13), tone.deep)
    return upright + leaning + end


def penpot(easel: Easel, tone: Tone, variant: int) -> str:
    """A pot of pens and brushes."""
    tools = (
        stroke("M-30-150L-64-300", TONES["persimmon"], 15)
        + stroke("M0-150V-330", TONES["oak"], 13)
        + stroke("M30-150L70-290", TONES["indigo"], 15)
    )
    tips = (
        path("M-10-326Q0-390 10-326Z", TONES["ink"])
        + path("M-72-296L-68-322L-56-300Z", "#e3c79a")
        + disc((71, -294), (10, 9), TONES["brass"])
    )
    ladle = (
        stroke("M14-150L34-300", TONES["moss"], 9) + disc((38, -318), (16, 24), TONES["moss"])
        if variant % 2
        else ""
    )
    return (
        tools
        + tips
        + ladle
        + thrown(easel, tone, [(-178, 84), (-100, 84), (0, 78)])
        + stroke("M-82-60A82 14 0 0 0 82-60M-81-44A82 14 0 0 0 81-44", tone.dark, 3, 'opacity=".5"')
    )


def deskcalendar(easel: Easel, tone: Tone, variant: int) -> str:
    """A standing calendar on a small wooden foot."""
    foot = block((-150, -34), (300, 36), easel.across(tone.light, tone.base, tone.dark), 'rx="6"')
    sheet = path("M-128-300H128V-30H-128Z", easel.down(CREAM, "#efe6d4"))
    art = (
        block((-128, -300), (256, 116), (TONES["celadon"], TONES["straw"], TONES["sky"])[variant % 3])
        + path("M-128-184V-214Q-60-270-4-222Q50-262 128-206V-184Z", TONES["jade"])
        + disc((70, -262), (22, 22), TONES["persimmon"])
    )
    days = "".join(
        f'<circle cx="{-96 + 32 * (at % 7)}" cy="{-154 + 29 * (at // 7)}" r="6" fill="{tone.deep if at % 7 else TONES["persimmon"]}" opacity=".75"/>'
        for at in range(28)
    )
    return sheet + art + days + foot


def soap(easel: Easel, tone: Tone, variant: int) -> str:
    """Bars of soap on a dish, one wrapped in a band."""
    dish = (
        path(outline([(-34, 190), (-10, 150), (0, 140)]), easel.turned(OAK))
        + disc((0, -34), (190, 30), TONES["straw"])
        + disc((0, -32), (176, 24), OAK.dark)
    )
    lower = block((-132, -116), (264, 84), easel.across(tone.light, tone.base, tone.dark), 'rx="26"') + path(
        "M-112-114Q0-134 112-114Q90-98-90-98Q-116-104-112-114Z", tone.pale
    )
    mark = stroke("M-40-70q40-26 80 0q-40 26-80 0Z", tone.dark, 4, 'opacity=".6"')
    upper = (
        group(
            block((-104, -188), (208, 72), easel.across(tone.pale, tone.light, tone.base), 'rx="22"')
            + (
                block((-40, -189), (70, 74), CREAM)
                + stroke("M-22-164h34M-22-148h20", tone.deep, 4, 'opacity=".6"')
            ),
            "rotate(-5)",
        )
        if variant % 2
        else ""
    )
    foam = (
        "".join(
            f'<circle cx="{x}" cy="{y}" r="{r}" fill="#fff" opacity=".55"/>'
            for x, y, r in ((-96, -124, 13), (-72, -130, 8), (-112, -110, 7), (92, -122, 9))
        )
        if not variant % 2
        else ""
    )
    return dish + lower + mark + upper + foam
