"""The translated sentences: gettext catalogues, read once by Babel into memory."""

from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from app.core import languages

FOLDER = Path(__file__).parent.parent / "languages"


@cache
def load() -> None:
    """Make every language known. An unfinished sentence stays Korean."""
    for language in languages.NAMES:
        if language != languages.SOURCE:
            languages.install(language, _read(language))


def read(language: str) -> Catalog:
    """Read a language's catalogue."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _read(language: str) -> languages.Catalogue:
    known: dict[str, str | tuple[str, str]] = {}
    for message in read(language):
        if not message.id or not message.string or message.fuzzy:
            continue
        if isinstance(message.id, str):
            known[message.id] = str(message.string)
        else:
            known[message.id[0]] = (message.string[0], message.string[1])
    return known
