"""The one small thing that keeps a product company."""

from db.drawing.paint import CREAM, TONES, Easel, Tone, block, disc, leaf, outline, path, stroke, thrown


def companion(easel: Easel, look: int) -> str:
    """One small thing that keeps the other company, or none; its foot stands at 0, 0."""
    choices = (
        persimmons,
        none,
        bud,
        stones,
        cloth,
        none,
        dry_leaf,
        small_bowl,
        books_lying,
        none,
        pear,
        taper,
    )
    return choices[(look * 5 + look // 12) % len(choices)](easel)


def none(_: Easel) -> str:
    """Leave the place empty."""
    return ""


def persimmons(easel: Easel) -> str:
    """Two persimmons."""
    fruit = disc((-26, -36), (44, 38), easel.ball(Tone("#d2743c"))) + disc(
        (40, -28), (38, 32), easel.ball(Tone("#d98a4c"))
    )
    return fruit + path(
        leaf((-26, -70), (-30, -6), 0.5)
        + leaf((-26, -70), (28, -8), 0.5)
        + leaf((40, -58), (-24, -4), 0.5)
        + leaf((40, -58), (24, -6), 0.5),
        "#6f6f48",
    )


def bud(easel: Easel) -> str:
    """A slim vase with one stem."""
    stem = (
        stroke("M0-110C4-170-10-210 20-260", "#7b805e", 4)
        + path(
            leaf((4, -170), (34, -26), 0.4)
            + leaf((0, -196), (-34, -24), 0.4)
            + leaf((12, -236), (34, -14), 0.4),
            "#8d9a78",
        )
        + disc((20, -264), (13, 13), "#dca483")
    )
    return stem + thrown(easel, Tone(TONES["milk"]), [(-116, 13), (-86, 11), (-44, 34), (0, 24)])


def stones(easel: Easel) -> str:
    """Three river stones."""
    return (
        disc((0, -16), (54, 20), easel.ball(Tone("#8d8a85")))
        + disc((-4, -46), (38, 15), easel.ball(Tone("#b5afa6")))
        + disc((2, -68), (24, 11), easel.ball(Tone("#74777a")))
    )


def cloth(easel: Easel) -> str:
    """A folded cloth."""
    return (
        path("M-76-30H66Q80-14 66 2H-76Q-86-14-76-30Z", easel.across("#f2eadb", "#d9cdb9"))
        + path("M-76-30L-50-44H88L66-30Z", "#f8f2e6")
        + stroke("M-74-14H70", "#c4b59c", 2)
    )


def dry_leaf(_: Easel) -> str:
    """A ginkgo leaf fallen on the table."""
    return path("M0 0Q-60-20-64-54Q-30-50-8-60Q10-66 20-52Q50-56 62-34Q40-10 0 0Z", "#d6a94a") + stroke(
        "M0 0L44 14M0 0L-40-40M0 0L-10-52M0 0L30-44", "#b4883a", 3
    )


def small_bowl(easel: Easel) -> str:
    """A small bowl with three dates in it."""
    dates = (
        disc((-16, -56), (18, 13), "#7d4034")
        + disc((14, -60), (18, 13), "#8e4d3c")
        + disc((2, -68), (16, 11), "#6f362d")
    )
    return (
        path(outline([(-52, 56), (-20, 44), (0, 24)]), easel.turned(Tone(TONES["milk"])))
        + disc((0, -52), (56, 10), "#c6b49b")
        + dates
    )


def books_lying(easel: Easel) -> str:
    """Two books lying."""
    return (
        block((-84, -30), (168, 30), easel.across("#5b6f63", "#4a5b53"), 'rx="3"')
        + block((-70, -56), (140, 26), easel.across("#d8b98e", "#bf9c6c"), 'rx="3"')
        + block((60, -26), (22, 22), CREAM)
        + block((50, -52), (18, 18), CREAM)
    )


def pear(easel: Easel) -> str:
    """A pear."""
    return path(
        "M0-104C22-104 20-70 40-46C60-18 36 4 0 4S-60-18-40-46C-20-70-22-104 0-104Z",
        easel.ball(Tone("#c7b25c")),
    ) + stroke("M0-102C2-116 8-122 14-126", "#6a5640", 5)


def taper(easel: Easel) -> str:
    """A slender candle in brass."""
    flame = path("M0-186C-11-198-7-208 0-222C7-208 11-198 0-186Z", "#f3b765")
    return (
        block((-9, -180), (18, 152), easel.across("#fbf4e4", "#d9cbb0"))
        + flame
        + path(outline([(-34, 15), (-16, 12), (-8, 40), (0, 42)]), easel.turned(Tone(TONES["brass"])))
    )
