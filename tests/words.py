"""The catalogues kept complete (./dev words): what the shop says is extracted, what is missing is named."""

import re
import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from app.core import languages
from app.infra import words

ROOT = Path(__file__).parent.parent
METHODS = [("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2"), ("**.py", "python")]
OPTIONS = {
    "templates/**": {
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "newstyle_gettext": "true",
        "silent": "no",
    }
}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
PLACE = re.compile(r"%\((\w+)\)[a-z]|%(?!%)")
HEAD = """# What the shop says in {name}; ./dev words keeps it complete, and lists what a person has to write.
msgid ""
msgstr ""
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def extract(language: str) -> Catalog:
    """Return everything the shop says, untranslated."""
    said = Catalog(locale=language)
    found = extract_from_dir(ROOT / "app", METHODS, OPTIONS, keywords=KEYWORDS)
    for file, _line, sentence, _comments, _context in found:
        said.add(sentence, locations=[(f"app/{file}", 0)])
    for path in sorted((ROOT / "db" / "catalogue").glob("*.toml")):
        for word in dict.fromkeys(_goods(tomllib.loads(path.read_text()))):
            said.add(word, locations=[(str(path.relative_to(ROOT)), 0)])
    return said


def _goods(shelf: dict[str, Any]) -> Iterator[str]:
    """Return what the demo's catalogue says, to be read by visitors of every language."""
    yield from (shelf["category"], *shelf["makers"], *shelf["makers"].values())
    for article in shelf["articles"]:
        yield article["name"]
        yield article["story"].strip()
        yield from (option["label"] for option in article.get("options", ()))


def update(language: str) -> Catalog:
    """Return the catalogue with every new sentence, and without those nobody says any longer."""
    catalogue = words.read(language)
    catalogue.update(extract(language), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def render(catalogue: Catalog, language: str) -> bytes:
    """Return the file: sorted, and without saying where, so that two branches seldom touch one line."""
    body = BytesIO()
    write_po(body, catalogue, width=0, omit_header=True, sort_output=True, no_location=True)
    return HEAD.format(name=languages.NAMES[language], code=language).encode() + body.getvalue().lstrip()


def sentences(catalogue: Catalog) -> Iterator[tuple[Message, tuple[str, ...], tuple[str, ...]]]:
    """Return each message with its Korean and its translated forms."""
    for message in catalogue:
        if message.id:
            yield message, _forms(message.id), _forms(message.string)


def missing(catalogue: Catalog) -> list[str]:
    """Return the sentences that have no translation, or one that nobody has looked at."""
    return [korean[0] for message, korean, said in sentences(catalogue) if message.fuzzy or not all(said)]


def places(text: str) -> set[str]:
    """Return the names that are filled in; an unnamed place is ''."""
    return {found[1] or "" for found in PLACE.finditer(text.replace("%%", ""))}


def _forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def main() -> int:
    """Bring each catalogue up to date, and say what a person has to write into it."""
    lacking = 0
    for language in languages.NAMES:
        if language == languages.SOURCE:
            continue
        catalogue = update(language)
        path = words.FOLDER / f"{language}.po"
        path.write_bytes(render(catalogue, language))
        gaps = missing(catalogue)
        lacking += len(gaps)
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} sentences, {len(gaps)} to be written.")
        for sentence in gaps:
            print(f"  {sentence}")
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main())
