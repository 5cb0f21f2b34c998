"""Every sentence the shop says stands in every catalogue, whole and looked at by a person."""

import re

import pytest
from babel.messages.catalog import Catalog

from app.core import languages
from app.infra import words as infra
from tests import words

HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
LANGUAGES = [language for language in languages.NAMES if language != languages.SOURCE]


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(language: str) -> Catalog:
    return infra.read(language)


def test_the_catalogue_holds_what_is_said_and_nothing_else(catalogue: Catalog, language: str) -> None:
    """./dev words brings a catalogue to this."""
    path = infra.FOLDER / f"{language}.po"
    assert path.read_bytes() == words.render(words.update(language), language), "run ./dev words"


def test_no_sentence_is_missing_or_only_guessed(catalogue: Catalog) -> None:
    """./dev words names them; what stands behind msgstr is written by a person."""
    assert words.missing(catalogue) == []


def test_a_translation_fills_in_what_the_korean_sentence_fills_in(catalogue: Catalog) -> None:
    for _message, korean, said in words.sentences(catalogue):
        for text in said:
            assert words.places(text) <= words.places(korean[-1]), text
            assert "" not in words.places(text), f"a place without a name, or a lone per cent sign: {text}"
        assert words.places(said[-1]) == words.places(korean[-1]), korean


def test_a_translation_is_not_korean(catalogue: Catalog) -> None:
    assert [
        said for _message, _korean, said in words.sentences(catalogue) if HANGUL.search("".join(said))
    ] == []
