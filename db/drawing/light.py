"""Light and scent: lamps, lanterns, candles, incense."""

# ruff: noqa: E501 - an outline stays one string

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
    shine,
    stroke,
    thrown,
)

FLAME = "M0 0C-17-18-10-34 0-56C10-34 17-18 0 0Z"


def lamp(easel: Easel, tone: Tone, variant: int) -> str:
    """A table lamp: cone shade on a turned foot, a mushroom, or a bent desk arm."""
    halo = disc((0, -230), (210, 190), easel.glow("#ffe7b0", "#ffe7b0/0"), 'opacity=".75"')
    return halo + (_cone, _mushroom, _arm)[variant % 3](easel, tone)


def _cone(easel: Easel, tone: Tone) -> str:
    profile = [(-170.0, 10.0), (-130, 12), (-110, 44), (-60, 66), (-14, 52), (0, 44)]
    foot = path(outline(profile), easel.turned(tone))
    shade = path("M-70-334H70L124-164Q0-142-124-164Z", easel.across("#f3e3c3", "#fff3d6", "#e9d3a8"))
    pleats = stroke(
        "M-44-332L-80-158M-16-332L-28-153M16-332L28-153M44-332L80-158", "#d8bd8c", 2, 'opacity=".7"'
    )
    return foot + shade + pleats


def _mushroom(easel: Easel, tone: Tone) -> str:
    stem = thrown(easel, Tone(tone.light), [(-176, 36), (-80, 40), (-20, 68), (0, 74)])
    dome = path("M-136-176C-130-300 130-300 136-176A136 22 0 0 1-136-176Z", easel.turned(tone))
    return stem + dome + disc((0, -178), (124, 16), "#ffeec2") + shine("M-94-216Q-80-250-50-262")


def _arm(easel: Easel, tone: Tone) -> str:
    base = path(outline([(-22, 76), (0, 78)]), easel.turned(tone)) + disc((0, -22), (76, 13), tone.light)
    arm = stroke("M-60-10L-94-170L40-268", tone.dark, 12) + disc((-94, -170), (13, 13), TONES["brass"])
    head = path("M10-300L86-262Q112-206 70-178L-24-226Q-22-280 10-300Z", easel.turned(tone))
    return base + arm + head + path("M70-178L-24-226Q10-164 70-178Z", "#ffeec2")


def lantern(easel: Easel, tone: Tone, variant: int) -> str:
    """A paper lantern with ribs of bamboo, glowing."""
    halo = disc((0, -140), (230, 210), easel.glow("#ffe3a6", "#ffe3a6/0"), 'opacity=".8"')
    shell = mix(tone.base, "#fff1d0", 0.62)
    if variant % 2:
        frame = block((-104, -270), (208, 262), easel.glow("#fff6dd", shell), 'rx="4"')
        bars = stroke(
            "M-104-270H104V-8H-104ZM-34-270V-8M34-270V-8M-104-182H104M-104-96H104", TONES["walnut"], 9
        )
        return halo + frame + bars + stroke("M-86-8v10M86-8v10", TONES["walnut"], 14)
    globe = path(
        "M-48-262C-190-214-190-60-48-12H48C190-60 190-214 48-262Z",
        easel.glow("#fff8e2", shell, mix(shell, tone.base, 0.5)),
    )
    ribs = stroke(
        "M-84-242Q0-226 84-242M-124-208Q0-186 124-208M-146-172Q0-148 146-172M-152-136Q0-112 152-136M-144-100Q0-76 144-100M-120-64Q0-44 120-64M-82-32Q0-18 82-32",
        tone.dark,
        2,
        'opacity=".4"',
    )
    return (
        halo
        + globe
        + ribs
        + block((-50, -272), (100, 14), TONES["walnut"], 'rx="4"')
        + block((-54, -14), (108, 16), TONES["walnut"], 'rx="4"')
    )


def pendant(easel: Easel, tone: Tone, variant: int) -> str:
    """A lamp hung from above."""
    cord = stroke("M0-420V-90", TONES["ink"], 4) + block((-13, -120), (26, 36), TONES["brass"], 'rx="5"')
    halo = disc((0, 110), (230, 190), easel.glow("#ffe7b0", "#ffe7b0/0"), 'opacity=".8"')
    shades = (
        path(
            "M-34-96Q0-106 34-96C70-60 150 0 162 84A162 26 0 0 1-162 84C-150 0-70-60-34-96Z",
            easel.turned(tone),
        )
        + disc((0, 86), (150, 19), "#fff0c8"),
        path("M-26-92H26L130 64Q0 90-130 64Z", easel.turned(tone)) + disc((0, 66), (120, 13), "#fff0c8"),
        f'<circle cy="16" r="120" fill="{easel.glow("#fffaf0", mix(tone.base, "#fff1d0", 0.6), tone.base)}"/>'
        + stroke(
            "M-96-54Q0-30 96-54M-118-8Q0 22 118-8M-112 46Q0 76 112 46M-78 96Q0 118 78 96",
            tone.dark,
            3,
            'opacity=".35"',
        ),
    )
    return halo + cord + shades[variant % 3]


def candle(easel: Easel, tone: Tone, variant: int) -> str:
    """A candle in a vessel, a trio of tapers, or a carved block."""
    halo = disc((0, -230), (150, 140), easel.glow("#ffdf9e", "#ffdf9e/0"), 'opacity=".8"')
    fire = path(FLAME, "#f5bd6b")
    if variant % 3 == 0:
        vessel = thrown(easel, tone, [(-176, 98), (-90, 100), (0, 92)], easel.down("#f2e2bd", "#fff2cf"))
        label = block((-46, -116), (92, 70), mix(tone.base, CREAM, 0.85), 'rx="2"') + stroke(
            "M-24-90h48M-24-74h28", tone.deep, 4, 'opacity=".5"'
        )
        return (
            halo
            + vessel
            + label
            + stroke("M0-176v-20", TONES["ink"], 4)
            + group(fire, "translate(0,-190)")
            + shine("M-74-130V-60")
        )
    if variant % 3 == 1:
        return halo + _tapers(easel, tone)
    wax = path(outline([(-190, 78), (0, 80)]), easel.turned(tone)) + disc((0, -190), (78, 13), tone.pale)
    ridges = stroke(
        "".join(f"M{x}-178V8" for x in (-62, -40, -14, 14, 40, 62)), tone.dark, 4, 'opacity=".35"'
    )
    return halo + wax + ridges + stroke("M0-190v-18", TONES["ink"], 4) + group(fire, "translate(0,-204)")


def _tapers(easel: Easel, tone: Tone) -> str:
    sticks = wicks = fires = ""
    holder = path(outline([(-46, 20), (-18, 24), (0, 46)]), easel.turned(Tone(TONES["brass"])))
    for x, tall, shade in ((-96, 216, Tone(tone.light)), (0, 272, tone), (92, 178, Tone(tone.pale))):
        sticks += block((x - 16, -tall), (32, tall - 30), easel.turned(shade), 'rx="7"')
        sticks += group(holder, f"translate({x})")
        wicks += f"M{x}-{tall}v-14"
        fires += f"M{x}-{tall + 8}c-17-18-10-34 0-56c10 22 17 38 0 56"
    return sticks + stroke(wicks, TONES["ink"], 4) + path(fires, "#f5bd6b")


def incense(easel: Easel, tone: Tone, variant: int) -> str:
    """Incense on its stand, a thread of smoke rising."""
    smoke = stroke("M34-208C0-250 70-280 36-330S70-390 50-430", "#fff", 9, 'opacity=".32"') + stroke(
        "M38-212C20-250 80-300 48-350", "#8f8a86", 4, 'opacity=".28"'
    )
    if variant % 2:
        cone = path("M-30-66L6-156L42-66Z", easel.turned(Tone(TONES["walnut"]))) + disc(
            (6, -154), (6, 5), TONES["persimmon"]
        )
        return (
            group(smoke, "translate(-30,50)")
            + thrown(easel, tone, [(-74, 136), (-40, 124), (0, 80)], "#b5a795")
            + cone
        )
    stand = (
        path(outline([(-36, 170), (-12, 168), (0, 150)]), easel.turned(tone))
        + disc((0, -36), (170, 27), tone.light)
        + disc((0, -35), (150, 21), tone.base)
    )
    stone = disc((-40, -54), (44, 28), easel.ball(Tone(TONES["ash"])))
    stick = stroke("M-40-72L34-204", TONES["walnut"], 6) + disc((34, -206), (6, 6), TONES["persimmon"])
    return smoke + stand + stick + stone + stroke("M70-40h50M78-30h40", "#d8cdbd", 5)


def diffuser(easel: Easel, tone: Tone, variant: int) -> str:
    """A scent bottle with reeds or dried flowers."""
    reeds = stroke("M0-150L-66-350M0-150L-24-376M2-150L22-372M4-150L66-346M2-150L100-318", TONES["straw"], 6)
    dried = path(
        "".join(
            leaf((x, y), (dx, -34), 0.4)
            for x, y, dx in (
                (-66, -340, -12),
                (-24, -366, 0),
                (22, -362, 6),
                (66, -336, 16),
                (100, -308, 22),
                (-44, -286, -30),
                (44, -290, 32),
            )
        ),
        TONES["rose"],
    )
    body = path(
        outline([(-164, 26), (-142, 28), (-128, 84), (-110, 94), (0, 92)]), easel.turned(tone)
    ) + block((-32, -182), (64, 30), TONES["brass"], 'rx="5"')
    label = block((-46, -98), (92, 66), mix(tone.base, CREAM, 0.85), 'rx="2"') + stroke(
        "M-26-74h52M-26-58h32", tone.deep, 4, 'opacity=".5"'
    )
    return reeds + (dried if variant % 2 else "") + body + label + shine("M-74-92V-40")
