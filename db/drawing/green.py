"""Green things and what waters them."""

# ruff: noqa: E501 - an outline stays one string

from db.drawing.paint import TONES, Easel, Tone, block, disc, leaf, outline, path, shine, stroke, thrown


def plant(easel: Easel, tone: Tone, variant: int) -> str:
    """A green plant in a pot: broad leaves, olive, fern, or round leaves."""
    pot = thrown(easel, tone, [(-130, 92), (-108, 90), (-104, 84), (0, 62)], "#5b473a") + stroke(
        "M-88-106A92 16 0 0 0 88-106", tone.dark, 4, 'opacity=".45"'
    )
    greens = (_broad, _olive, _fern, _coins)[variant % 4]()
    return greens + pot


def _broad() -> str:
    stems = stroke(
        "M0-130C-6-200-20-240-60-280M0-130C10-220 30-270 40-330M0-130C30-180 60-200 96-220", "#556a4b", 6
    )
    big = path(
        leaf((-40, -250), (-96, -76), 0.6)
        + leaf((30, -290), (50, -104), 0.5)
        + leaf((70, -206), (110, -34), 0.55),
        "#5f7f62",
    )
    small = path(
        leaf((-14, -196), (-104, 10), 0.5)
        + leaf((12, -210), (84, -70), 0.55)
        + leaf((-26, -260), (0, -116), 0.5),
        "#7c9a74",
    )
    return (
        stems
        + big
        + small
        + stroke("M-40-250l-76-60M70-206l90-28M-14-196l-84 8M12-210l66-54", "#a9bf98", 3, 'opacity=".7"')
    )


def _olive() -> str:
    trunk = stroke(
        "M0-120C8-180-8-220 0-270M-2-210C-30-250-60-270-90-290M2-230C30-270 60-280 90-300M0-270C0-310 10-330 6-370",
        "#7a6650",
        7,
    )
    points = (
        (-90, -290, -34, -26),
        (-66, -272, -40, 10),
        (-50, -262, -6, -46),
        (-84, -288, 6, -44),
        (90, -300, 36, -24),
        (66, -284, 34, 16),
        (50, -274, 0, -46),
        (84, -296, -6, -46),
        (6, -370, -10, -44),
        (4, -340, -42, -20),
        (6, -346, 40, -24),
        (2, -300, -38, -8),
        (2, -310, 36, 0),
        (-24, -236, -40, 4),
        (24, -250, 40, 6),
    )
    return (
        trunk
        + path("".join(leaf((x, y), (dx * 1.25, dy * 1.25), 0.4) for x, y, dx, dy in points), "#7d9271")
        + path("".join(leaf((x, y), (-dx, dy), 0.36) for x, y, dx, dy in points[:12]), "#a3b094")
    )


def _fern() -> str:
    fronds = ((-150, -210, -60), (-96, -300, -30), (-10, -350, 0), (90, -306, 30), (156, -214, 60))
    ribs = stroke("".join(f"M0-126Q{x // 4} {y} {x} {y + 40}" for x, y, _ in fronds), "#5d7a53", 5)
    blades = ""
    for x, y, _ in fronds:
        for step in (0.38, 0.64, 0.9):
            px, py = (
                2 * step * (1 - step) * x / 4 + step**2 * x,
                (1 - step) ** 2 * -126 + 2 * step * (1 - step) * y + step**2 * (y + 40),
            )
            size = 84 * (1.2 - step)
            blades += leaf((px, py), (-size, size * 0.15), 0.42) + leaf((px, py), (size, size * 0.15), 0.42)
    return ribs + path(blades, "#7d9b6c")


def _coins() -> str:
    spots = (
        (-92, -220, 36),
        (-40, -286, 40),
        (30, -320, 36),
        (92, -256, 42),
        (118, -180, 30),
        (-120, -160, 28),
        (20, -226, 40),
        (-30, -196, 30),
        (66, -192, 28),
    )
    stems = stroke("".join(f"M0-126Q{x // 3} {y // 2 - 90} {x} {y}" for x, y, _ in spots), "#8a8a5e", 4)
    coins = "".join(
        disc((x, y), (r, r * 0.9), ("#6c8f6c", "#86a580", "#7a9b75")[at % 3])
        for at, (x, y, r) in enumerate(spots)
    )
    return (
        stems
        + coins
        + "".join(f'<circle cx="{x - 6}" cy="{y - 6}" r="5" fill="#dfe8cf"/>' for x, y, _ in spots)
    )


def cactus(easel: Easel, tone: Tone, variant: int) -> str:
    """A cactus or a stone-flower in a low pot."""
    pot = thrown(easel, tone, [(-110, 96), (-84, 98), (0, 78)], "#6a5546")
    green = Tone("#7e9a78")
    if variant % 2:
        petals = "".join(
            path(leaf((0, -116), (dx, dy), 0.5), shade)
            for dx, dy, shade in (
                (-112, -40, "#7f9c86"),
                (112, -44, "#7f9c86"),
                (-84, -96, "#93ad94"),
                (86, -98, "#93ad94"),
                (0, -130, "#a8bfa2"),
                (-50, -70, "#b7c9ab"),
                (52, -72, "#b7c9ab"),
                (0, -72, "#c9d6b8"),
            )
        )
        return petals + pot
    body = block((-50, -290), (100, 200), easel.turned(green), 'rx="50"') + stroke(
        "M-70-160H-92V-226M66-190H92V-250", green.base, 36
    )
    spines = stroke(
        "M-24-280V-110M0-288V-110M24-280V-110", green.dark, 4, 'opacity=".5" stroke-dasharray="3 11"'
    )
    return body + spines + disc((8, -294), (20, 14), TONES["rose"]) + pot


def waterer(easel: Easel, tone: Tone, variant: int) -> str:
    """A watering can with a long spout."""
    spout = stroke("M70-60C120-70 130-150 182-214", tone.dark, 21) + stroke(
        "M70-62C118-74 128-152 180-214", tone.base, 14
    )
    rose = path("M162-226L204-246L214-204Z", tone.light) if variant % 2 else ""
    hoop = stroke("M-84-40C-190-60-150-240-30-196", tone.deep, 13)
    body = path(outline([(-156, 66), (-130, 84), (-30, 96), (0, 92)]), easel.turned(tone))
    mouth = disc((0, -156), (66, 12), tone.deep) + path("M-66-156A66 12 0 0 1 0-168L0-156Z", tone.light)
    return spout + rose + hoop + body + mouth + shine("M-72-120C-78-90-78-60-74-36")
