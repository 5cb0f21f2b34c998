"""What the shop looks like is made of tokens, and can be read in light and dark."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import packing, stylesheet

CSS = Path(stylesheet.__file__).parents[1] / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
SHEETS = {path.name: path.read_text() for path in sorted(CSS.glob("*.css")) if path.name != "tokens.css"}
COLOURS = {
    found[1]: (found[2], found[3])
    for found in re.finditer(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS)
}
NAMES = set(re.findall(r"--([a-z0-9-]+):", TOKENS))
LEAST = {"text": 4.5, "control": 3.0}
# As it is sent to a phone. One style sheet less to ask for is worth half a kilobyte more on every page: what
# a later page pays for it is 3 ms on slow 4G.
MOST_IN_THE_WINDOW, MOST_INLINE = 3850, 4200
# Lengths that are nobody's measure: none, all, a hair's width, and what follows the size of the text.
SPACING = re.compile(
    r"(?:0|auto|1px|-?[\d.]+em|100%|var\(--(?:s\d|gutter)\)|calc\(-1 \* var\(--(?:s\d|gutter)\)\))"
)


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2, of #rrggbb."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pairs() -> Iterator[tuple[str, str, str, str, str]]:
    """Colour, kind, ground, and the two figures written beside them."""
    for name, kind, grounds in re.findall(r"--([a-z-]+): [^;]+; /\* (text|control): ([^*]+) \*/", TOKENS):
        for ground in grounds.split(", "):
            yield (name, kind, *ground.split(" "))


@pytest.mark.parametrize("pair", list(pairs()), ids=lambda pair: f"{pair[0]} on {pair[2]}")
def test_a_colour_can_be_told_from_its_ground_as_well_as_is_written(
    pair: tuple[str, str, str, str, str],
) -> None:
    name, kind, ground, *written = pair
    for scheme in (0, 1):
        ratio = contrast(COLOURS[name][scheme], COLOURS[ground][scheme])
        assert ratio >= LEAST[kind]
        assert float(written[scheme]) == int(ratio * 10) / 10


def rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Every property of a sheet with its value; what is printed is black on white, and measured in points."""
    plain = re.sub(
        r"/\*.*?\*/|@media print \{.*|@supports not .*?\}\s*\}", "", SHEETS[sheet], flags=re.DOTALL
    )
    yield from re.findall(r"[{;]\s*([a-z-]+): ([^;{}]+);", plain.replace("}", ";"))


def test_only_colours_that_were_measured_are_read() -> None:
    measured = {name for name, kind, *_ in pairs() if kind == "text"} | {"deep"}
    used = {
        found
        for sheet in SHEETS
        for name, value in rules(sheet)
        if name == "color"
        for found in re.findall(r"var\(--([a-z-]+)\)", value)
    }
    assert used <= measured


@pytest.mark.parametrize("sheet", SHEETS)
def test_components_use_tokens_only_so_that_one_file_decides(sheet: str) -> None:
    for name, value in rules(sheet):
        assert set(re.findall(r"var\(--([a-z0-9-]+)\)", value)) <= NAMES, (name, value)
        assert not re.search(r"#[0-9a-f]{3}|rgb|hsl|oklch", value), (name, value)
        if name == "font-size":
            assert re.fullmatch(r"var\(--t-\w+\)|inherit", value), value
        if name == "border-radius":
            assert re.fullmatch(r"var\(--(radius|radius-s|round)\)|0|50%|inherit", value), value
        if name == "box-shadow":
            assert re.fullmatch(r"var\(--lift\)|none", value), value
        if re.match(r"(padding|margin|gap|row-gap|column-gap)", name):
            left = SPACING.sub("", value).strip()
            assert left == "", (name, value)


def test_what_a_sheet_asks_of_an_attribute_some_template_says() -> None:
    """A button that takes away once showed a plus: its name had changed, and the sheet did not know."""
    said = "".join(path.read_text() for path in (CSS.parents[1] / "templates").rglob("*.html"))
    asked = {found for sheet in SHEETS.values() for found in re.findall(r'\[(data-[\w-]+="[^"]+")\]', sheet)}
    assert asked
    assert [attribute for attribute in asked if attribute not in said] == []


def test_a_browser_that_knows_no_light_dark_is_given_the_light_colours() -> None:
    [old] = re.findall(
        r"@supports not \(color: light-dark\(#000, #fff\)\) \{(.*?)\}", SHEETS["shop.css"], re.DOTALL
    )
    assert dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", old)) == {
        name: light for name, (light, _) in COLOURS.items()
    }


def test_what_stands_in_every_page_is_small() -> None:
    for names, most in ((stylesheet.WINDOW, MOST_IN_THE_WINDOW), (stylesheet.COUNTER, MOST_INLINE)):
        assert len(packing.pack(stylesheet.read_inline(CSS, names).encode(), "br")) <= most


def test_a_sheet_is_sent_without_what_only_we_read() -> None:
    sheet = (
        '/* why */\na , b { color: red; content: "a  ; b" ;\n margin: 0 auto; }\n'
        "@media (x: 1) { c :is(d) { e: f } }"
    )
    packed = 'a,b{color:red;content:"a  ; b";margin:0 auto}@media (x:1){c :is(d){e:f}}'
    assert stylesheet.squeeze(sheet) == packed
