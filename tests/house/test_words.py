"""Every sentence the shop says stands in every catalogue, whole and looked at by a person."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

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


def test_a_translation_fills_in_what_the_korean_sentence_fills_in(catalogue: Catalog, language: str) -> None:
    said_by = {message.id: message.locations for message in words.extract(language) if message.id}
    for message, korean, said in words.sentences(catalogue):
        if all(file.startswith("db/") for file, _line in said_by[message.id]):
            continue  # goods are shown as they are: nothing is filled into them
        for text in said:
            assert words.places(text) <= words.places(korean[-1]), text
            assert "" not in words.places(text), f"a place without a name, or a lone per cent sign: {text}"
        assert words.places(said[-1]) == words.places(korean[-1]), korean


def test_a_translation_is_not_korean(catalogue: Catalog) -> None:
    assert [
        said for _message, _korean, said in words.sentences(catalogue) if HANGUL.search("".join(said))
    ] == []


ROOT = Path(__file__).parent.parent.parent
MARKS = {"_", "gettext", "ngettext", "marked"}
# Korean that is no sentence of the shop: what stands in the database, what people type, samples, particles.
DATA = {
    "app/core/clock.py": "the Korean way to write a date",
    "app/core/languages.py": "a language's own name for itself",
    "app/core/money.py": "the Korean way to write a price",
    "app/web/forms.py": "particles, which English has none of",
    "app/demo.py": "names of the demo's people",
    "app/admin/gallery/samples.py": "samples that pieces are drawn with",
    "app/web/seller.py": "an example of a business",
    "app/accounts/rules.py": "the shop's name, which is no password",
    "app/infra/ddl.py": "comments on tables",
    "app/settings.py": "what the fields of the footer are called in the law",
    "app/payments/refunds/service.py": "the subject of a line in the audit log",
    "app/payments/review.py": "as above",
    "app/payments/summary.py": "methods as Toss calls them",
    "app/search/article.py": "how the catalogue writes, to be read",
    "app/search/reading.py": "as above",
    "app/search/hangul.py": "letters and keys",
    "app/search/synonyms.py": "what shoppers type",
}


def test_no_template_says_a_word_that_is_not_in_the_catalogue() -> None:
    """Korean between the tags, or in a string that is not handed to ``_``, is Korean to everybody."""
    folder = ROOT / "app" / "templates"
    paths = [path for path in folder.rglob("*") if path.suffix in {".html", ".txt"}]
    env = Environment(autoescape=True)
    bare = {str(path.relative_to(folder)): list(_bare_words(env.parse(path.read_text()))) for path in paths}
    assert {name: words for name, words in bare.items() if words} == {}


def test_templates_hand_literals_to_the_catalogue_because_what_it_says_may_hold_markup() -> None:
    """A value goes through ``|translated``, which escapes it, or is filled into a sentence by its name."""
    folder = ROOT / "app" / "templates"
    strange = [
        (path.name, call.lineno)
        for path in folder.rglob("*.html")
        for call in Environment(autoescape=True).parse(path.read_text()).find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
        and call.node.name in MARKS
        and not isinstance(call.args[0], nodes.Const)
    ]
    assert strange == []


def test_no_code_says_a_word_that_is_not_in_the_catalogue() -> None:
    bare = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if not name.startswith("app/models/"):  # comments on tables
            bare[name] = list(_bare_strings(ast.parse(path.read_text())))
    assert {name for name, found in bare.items() if found} == set(DATA)


def test_no_script_says_a_word_of_its_own() -> None:
    """A page hands its scripts what they say, in its language."""
    scripts = (ROOT / "app" / "static" / "js").rglob("*.js")
    assert [path.name for path in scripts if HANGUL.search(path.read_text())] == []


def _bare_words(node: nodes.Node, *, marked: bool = False) -> Iterator[str]:
    if isinstance(node, nodes.TemplateData | nodes.Const):
        text = node.data if isinstance(node, nodes.TemplateData) else node.value
        if isinstance(text, str) and HANGUL.search(text) and not marked:
            yield text
    calls = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in MARKS
    for child in node.iter_child_nodes():
        yield from _bare_words(child, marked=marked or calls)


def _bare_strings(node: ast.AST, *, marked: bool = False) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and HANGUL.search(node.value)
        and not marked
    ):
        yield node.value
    calls = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS
    for child in ast.iter_child_nodes(node):
        yield from _bare_strings(child, marked=marked or calls)
