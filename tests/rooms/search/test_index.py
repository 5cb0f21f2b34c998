"""The index by itself: whatever is asked, whatever is in it, whatever happened to its files."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.article import Article, band_of
from app.search.index import FACETS, Found, IndexUnusableError, Question, Reader, Writer, current_folder
from app.search.service import read_query

MUG = Article(
    article_id=1,
    name="달빛 머그",
    category="그릇·도자기",
    country="대한민국",
    manufacturer="여주 온흙공방",
    description="손에 감기는 두께로 빚었습니다.",
    price=28_000,
    list_price=None,
    created_at=datetime(2026, 1, 1),  # noqa: DTZ001 - naive UTC
    labels=("백자",),
    quantity=3,
    sold=0,
)


def build(root: Path, articles: list[Article]) -> Reader:
    writer = Writer.begin(root)
    writer.add(articles)
    writer.commit("")
    writer.publish()
    return Reader(root)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return build(tmp_path_factory.mktemp("search"), [MUG])


KEYS = st.text(
    st.sampled_from("ㄱㄳㅏㅘ가각값머그 달빛ajrmAB^|%_*:~\"'+-()[]\0\ud800😀\u202e\u1100ﬁİ"), max_size=120
)


@settings(max_examples=80, deadline=None)
@given(query=KEYS | st.text(max_size=200))
def test_whatever_is_typed_there_is_an_answer_and_the_index_is_not_blamed(reader: Reader, query: str) -> None:
    typed = read_query(query)
    if typed:
        assert set(reader.search(Question(typed)).ids) <= {1}
        assert set(reader.suggest(typed, 6)) <= {1}
    assert not (reader.root / "suspect").exists()


@pytest.mark.parametrize(
    "query", ["가" * 10_000, "ㄱ" * 100, "a " * 50, "갉각 " * 33, "wkdrns" * 16, "뷁" * 33 + " " + "궯" * 33]
)
def test_the_longest_query_is_answered_at_once(reader: Reader, query: str) -> None:
    fastest = min(_seconds(reader, query) for _ in range(3))
    assert fastest < 0.1


def _seconds(reader: Reader, query: str) -> float:
    """Return the processor's seconds: the machine may do other things besides."""
    began = thread_time()
    reader.search(Question(read_query(query)))
    return thread_time() - began


ARTICLES = st.lists(
    st.builds(
        lambda name, category, country, maker, price: replace(
            MUG, name=name, category=category, country=country, manufacturer=maker, price=price
        ),
        name=st.sampled_from(["달빛 머그", "머그 받침", "풀잎 접시", "머그"]),
        category=st.sampled_from(["그릇", "차·다기", "a/b & c"]),
        country=st.sampled_from(["대한민국", "일본"]),
        maker=st.sampled_from(["가 공방", "나 공방"]),
        price=st.sampled_from([0, 9_999, 10_000, 29_999, 50_000, 100_000, 9_000_000]),
    ),
    max_size=12,
)
CHOSEN = st.dictionaries(st.sampled_from(FACETS), st.integers(0, 3), max_size=3)


def value_of(article: Article, facet: str) -> str | int:
    values: dict[str, str | int] = {
        "category": article.category,
        "country": article.country,
        "maker": article.manufacturer,
        "band": band_of(article.price),
    }
    return values[facet]


@settings(max_examples=12, deadline=None)
@given(articles=ARTICLES, places=CHOSEN)
def test_facets_count_what_one_counts_by_hand(articles: list[Article], places: dict[str, int]) -> None:
    shelf = [replace(article, article_id=number) for number, article in enumerate(articles, start=1)]
    values = {facet: sorted({value_of(article, facet) for article in shelf}, key=str) for facet in FACETS}
    chosen = {facet: values[facet][place % len(values[facet])] for facet, place in places.items() if shelf}
    with TemporaryDirectory() as folder:
        found = build(Path(folder), shelf).search(Question("머그", chosen=chosen))
    mugs = [article for article in shelf if "머그" in article.name]

    def left(without: str = "") -> list[Article]:
        kept = [(facet, value) for facet, value in chosen.items() if facet != without]
        return [one for one in mugs if all(value_of(one, facet) == value for facet, value in kept)]

    assert sorted(found.ids) == [article.article_id for article in left()]
    assert found.total == len(left())
    for facet in FACETS:
        counted: dict[str | int, int] = {}
        for article in left(without=facet):
            value = value_of(article, facet)
            counted[value] = counted.get(value, 0) + 1
        assert dict(found.facets[facet]) == counted, facet


def cut_off(folder: Path) -> None:
    for path in folder.glob("*.term"):
        path.write_bytes(path.read_bytes()[:-30])


def lose_a_file(folder: Path) -> None:
    for path in folder.glob("*.fast"):
        path.unlink()


def garble_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def come_from_another_release(folder: Path) -> None:
    folder.rename(folder.parent / "000000000000-00000000")
    (folder.parent / "current").write_text("000000000000-00000000")


def point_elsewhere(folder: Path) -> None:
    (folder.parent / "current").write_text("../..")


HARM = [cut_off, lose_a_file, garble_meta, come_from_another_release, point_elsewhere, shutil.rmtree]


@pytest.mark.parametrize("harm", HARM)
def test_a_harmed_index_is_neither_read_nor_gone_on_with(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    build(tmp_path, [MUG])
    harm(current_folder(tmp_path))
    with pytest.raises(IndexUnusableError):
        Reader(tmp_path).search(Question("머그"))
    with pytest.raises(IndexUnusableError):
        Writer.resume(tmp_path)


def test_a_bit_that_turned_is_found_when_the_checksums_are_compared(tmp_path: Path) -> None:
    build(tmp_path, [MUG])
    path = next(current_folder(tmp_path).glob("*.idx"))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(IndexUnusableError, match="is not what was written"):
        Writer.resume(tmp_path)


def test_who_reads_sees_what_is_written_and_the_index_that_replaces_it(tmp_path: Path) -> None:
    reader = build(tmp_path, [MUG])
    assert reader.search(Question("머그")).ids == [1]
    writer = Writer.resume(tmp_path)
    writer.put([replace(MUG, article_id=2)], gone=[1])
    assert reader.search(Question("머그")).ids == [1]
    writer.commit("")
    assert reader.search(Question("머그")).ids == [2]
    build(tmp_path, [replace(MUG, article_id=3)])
    assert reader.search(Question("머그")).ids == [3]
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [current_folder(tmp_path)]


def test_what_was_looked_for_is_said_when_it_is_not_what_was_typed(reader: Reader) -> None:
    def read(query: str) -> tuple[str, tuple[str, ...]]:
        found: Found = reader.search(Question(query))
        return found.kind, found.words

    assert read("머그") == ("exact", ("머그",))
    assert read("ajrm") == ("exact", ("머그",))
    assert read("달빛 머기") == ("near", ("달빛", "머기"))
    assert read("머그 받침대") == ("partly", ("머그", "받침대"))
    assert read("없는말") == ("nothing", ())
