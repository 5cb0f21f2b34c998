"""Glass, tin and iron: bottles, kettles, pots."""

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
    specks,
    stroke,
    thrown,
)


def bottle(easel: Easel, tone: Tone, variant: int) -> str:
    """A stoppered bottle, or one with a pump."""
    body = path(
        outline([(-232, 22), (-200, 22), (-172, 62), (-150, 72), (-60, 74), (0, 70)]), easel.turned(tone)
    )
    label = block((-44, -118), (88, 74), mix(tone.base, CREAM, 0.82), 'rx="3"') + stroke(
        "M-24-92h48M-24-78h30", tone.deep, 4, 'opacity=".5"'
    )
    stopper = block((-17, -262), (34, 36), easel.across("#d8b98c", "#a9825a"), 'rx="5"')
    pump = stroke("M0-236v-44M2-282h-52l-8 12", TONES["ink"], 12) + block(
        (-20, -250), (40, 24), TONES["ink"], 'rx="4"'
    )
    return body + label + (pump if variant % 2 else stopper) + shine("M-56-136C-58-100-56-60-54-30", 0.3)


def glass(easel: Easel, tone: Tone, variant: int) -> str:
    """Clear glasses, one half filled."""

    def one(level: int) -> str:
        water = path(
            outline([(level, 62), (-16, 56), (-10, 54)]), easel.down(tone.light, tone.base), 'opacity=".85"'
        )
        shell = path(
            outline([(-190, 70), (0, 56)]), easel.across(CREAM + "/.7", CREAM + "/.15", "#8a97a0/.35")
        )
        rim = f'<ellipse cy="-190" rx="70" ry="12" fill="{CREAM}" opacity=".55"/>'
        return water + disc((0, level), (62, 10), tone.pale) + shell + rim + shine("M-50-160L-44-40", 0.7)

    if variant % 2:
        return group(one(-120), "translate(70,-30) scale(.9)") + group(one(-84), "translate(-64,6)")
    return group(one(-112), "scale(1.15)")


def caddy(easel: Easel, tone: Tone, variant: int) -> str:
    """A tea tin with a paper label."""
    tall = 190 + variant % 3 * 24
    body = path(outline([(-tall, 84), (0, 84)]), easel.turned(tone))
    lid = path(outline([(-tall - 26, 86), (-tall + 32, 88)]), easel.turned(Tone(tone.dark))) + disc(
        (0, -tall - 26), (86, 15), tone.light
    )
    label = path(f"M-52 {-tall + 66}Q0 {-tall + 78} 52 {-tall + 66}V-34Q0-20-52-34Z", "#f3ead8")
    mark = stroke("M0-96C-4-78-2-66 0-52", "#6e7f5c", 4) + path(
        leaf((0, -84), (-24, -24)) + leaf((0, -76), (26, -26)) + leaf((0, -96), (2, -34)), "#7c8f68"
    )
    return body + lid + label + mark


def cauldron(easel: Easel, tone: Tone, variant: int) -> str:
    """A cooking pot with two ears and a lid."""
    body = path(outline([(-140, 136), (-60, 138), (-14, 118), (0, 100)]), easel.turned(tone))
    ears = stroke("M-134-104h-30v26h28M134-104h30v26h-28", tone.dark, 14)
    lid = path(
        "M-140-142Q-130-190 0-194Q130-190 140-142A140 23 0 0 1-140-142Z",
        easel.turned(tone if variant % 2 else Tone(tone.light)),
    )
    knob = disc((0, -202), (22, 14), easel.ball(Tone(TONES["oak"]))) + block(
        (-9, -200), (18, 12), TONES["walnut"]
    )
    return (
        ears
        + body
        + knob
        + lid
        + shine("M-104-160Q-80-176-50-180")
        + shine("M-110-104C-112-76-106-54-98-40", 0.25)
    )


def kettle(easel: Easel, tone: Tone, variant: int) -> str:
    """A kettle with a long thin spout or a short one."""
    reach = "M-80-70C-140-66-126-176-176-190" if variant % 2 else "M-90-84C-132-96-140-128-158-150"
    body = path(outline([(-160, 58), (-138, 88), (-50, 112), (0, 108)]), easel.turned(tone))
    grip = stroke("M-58-166C-90-280 90-280 66-166", tone.deep, 9) + stroke(
        "M-40-232C-20-258 20-258 42-232", TONES["walnut"], 19
    )
    lid = path("M-60-160Q0-196 60-160A60 10 0 0 1-60-160Z", easel.turned(tone)) + disc(
        (0, -184), (13, 11), TONES["walnut"]
    )
    return (
        stroke(reach, tone.dark, 22)
        + stroke(reach, tone.base, 14)
        + grip
        + body
        + lid
        + shine("M-82-116C-92-84-92-60-90-36")
    )


def mortar(easel: Easel, tone: Tone, variant: int) -> str:
    """A mortar, its pestle leaning out."""
    pestle = stroke("M20-120L112-262", TONES["oak"], 24) + stroke("M98-240L114-264", TONES["straw"], 26)
    profile = [(-138.0, 112.0), (-90, 108), (-38, 78), (-20, 64), (0, 84)]
    front = path("M-112-138A112 19 0 0 0 112-138L106-104H-106Z", easel.turned(tone))
    return thrown(easel, tone, profile) + pestle + front + specks(tone, variant)
