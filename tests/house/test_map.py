"""The README's map of rooms is the house."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_readme_names_every_room() -> None:
    table = (ROOT / "README.md").read_text().partition("| folder |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`((?:[a-z]+/)+)`", table))
    rooms = {
        f"app/{path.name}/"
        for path in (ROOT / "app").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert rooms <= named
    for folder in named:
        assert any((ROOT / base / folder).is_dir() for base in ("", "tests", "app/templates")), folder
