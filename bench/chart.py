"""Draws the newest kept result of load into docs/performance.md: a table, and docs/performance.svg."""

import json
import re
from pathlib import Path
from typing import Any

from bench.load import RESULTS
from bench.machine import complain

DOCS = Path(__file__).parent.parent / "docs"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "performance.svg"
DRAWN = re.compile(r"(<!-- drawn by ./dev bench chart -->\n).*?(<!-- end -->)", re.DOTALL)
FONT = 'font-family="sans-serif" font-size="12"'
WIDTH, LEFT, ROW, TOP = 760, 220, 26, 44
PARTS = (
    ("web", "#3f6d4e"),
    ("task", "#8bb174"),
    ("redis", "#c05746"),
    ("rabbitmq", "#d9a441"),
    ("database", "#5b7db1"),
)


def main(_args: list[str]) -> int:
    """Draw."""
    kept = sorted(RESULTS.glob("*.json"))
    if not kept:
        return complain("No result was kept yet: ./dev bench load --keep.")
    result = json.loads(kept[-1].read_text())
    PICTURE.write_text(draw(result["rows"], result["hello_ms"]))
    page = PAGE.read_text()
    table = describe(result, kept[-1].name)
    PAGE.write_text(DRAWN.sub(lambda found: f"{found[1]}{table}{found[2]}", page))
    print(f"Drew {kept[-1].name} into {PAGE.name} and {PICTURE.name}.")
    return 0


def draw(rows: dict[str, Any], hello: float) -> str:
    """Return the picture: a bar for each scenario, as long as all its CPU-ms, hello's marked."""
    height = TOP + ROW * (len(rows) + 1)
    most = max(sum(row["cpu_ms"].values()) for row in rows.values())
    scale = (WIDTH - LEFT - 60) / most
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        "<title>CPU-ms per request by process, against a bare hello</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (kind, colour) in enumerate(PARTS):
        left = LEFT + number * 90
        lines.append(f'<rect x="{left}" y="12" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{left + 17}" y="22">{kind}</text>')
    for number, (name, row) in enumerate(rows.items()):
        top, at = TOP + number * ROW, float(LEFT)
        lines.append(f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{name}</text>')
        for kind, colour in PARTS:
            width = row["cpu_ms"][kind] * scale
            lines.append(f'<rect x="{at:.1f}" y="{top}" width="{width:.1f}" height="18" fill="{colour}"/>')
            at += width
        lines.append(f'<text x="{at + 5:.1f}" y="{top + 13}">{row["ratio"]:.1f} x</text>')
    mark = LEFT + hello * scale
    line = f'x1="{mark:.1f}" x2="{mark:.1f}" y1="{TOP - 8}" y2="{height - 20}"'
    lines.append(f'<line {line} stroke="#000" stroke-dasharray="3"/>')
    lines.append(f'<text x="{mark:.1f}" y="{height - 6}" text-anchor="middle">hello {hello:.2f} ms</text>')
    return "\n".join([*lines, "</svg>\n"])


def describe(result: dict[str, Any], name: str) -> str:
    """Return the result as a table of Markdown."""
    about = result["machine"]
    machine = f"{about['cores']} cores ({about['cpu']}), Python {about['python']}, commit {about['commit']}"
    load = f"load {about['load_before']} before and {about['load_after']} after"
    how = f"{result['rounds']} rounds of {result['seconds']} s; hello {result['hello_ms']} CPU-ms"
    lines = [
        f"`{name}`: {machine}, {load}, {how}.",
        "",
        "| scenario | req/s | p50 ms | p99 ms | web | task | Redis | RabbitMQ | database | bytes | x hello |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for scenario, row in result["rows"].items():
        cpu = " | ".join(f"{row['cpu_ms'][kind]:.2f}" for kind, _ in PARTS)
        low, high = row["ratio_range"]
        figures = f"{row['rate']:.0f} | {row['p50']:.1f} | {row['p99']:.1f} | {cpu} | {row['bytes']:.0f}"
        lines.append(f"| {scenario} | {figures} | **{row['ratio']:.2f}** ({low} to {high}) |")
    sizes = ", ".join(f"{kind} {size:.0f}" for kind, size in result["memory_mb"].items())
    lines += ["", f"Memory of one process, MB: {sizes}."]
    if steady := result["steady"]:
        pace = f"Cart edits at {steady['rate']}/s, 60 % of the most it did"
        lines += ["", f"{pace}: p50 {steady['p50']} ms, p99 {steady['p99']} ms."]
    return "\n".join([*lines, ""])
