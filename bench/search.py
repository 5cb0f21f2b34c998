"""How fast the search answers in process, how large its index is, and how long it takes to build."""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from app.search.article import Article
from app.search.index import Question, Reader, Writer
from tests.relevance.scoring import articles

SIZES = (1_000, 100_000, 1_000_000)
# The catalogue has 160 articles of 288 products: so many of a million products are articles.
PER_ARTICLE = 1.8
ROUNDS = 7
BATCH = 2_000
FIRST, SECOND = "가나다라마바사아자차카타파하고노도로모보소오조초코토포호", "람솔별달빛온새미루터재울결담길들"
QUERIES = (
    *(
        "머그",
        "접시",
        "나무",
        "도자기",
        "무쇠 냄비",
        "나무 도마",
        "달빛 머그",
        "차",
        "초",
        "책상",
        "유약",
        "조명",
    ),
    *(
        "주전쟈",
        "ehwkrl",
        "ㄷㅂㅁㄱ",
        "ㅈㅈㅈ",
        "teapot",
        "린넨앞치마",
        "청자빛 머그",
        "일본 가위",
        "없는말입니다",
    ),
)
CHOSEN: dict[str, str | int] = {"category": "그릇·도자기", "band": 10_000}


def main(args: list[str]) -> int:
    """Measure each size in a process of its own, and print one row for it."""
    parser = argparse.ArgumentParser(prog="./dev bench search", description=__doc__)
    parser.add_argument("--products", type=int, nargs="*", default=SIZES)
    parser.add_argument("--queries", action="store_true", help="also print each query")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(args)
    if asked.one:
        print(json.dumps(measure(asked.products[0])))
        return 0
    heads = ("products", "articles", "build s", "MB", "p50 ms", "p95 ms", "worst ms", "narrowed", "sorted")
    print(" ".join(f"{head:>9}" for head in (*heads, "suggest", "commit", "RSS +MB", "anon +MB", "loop ms")))
    for products in asked.products:
        command = [sys.executable, "-m", "bench", "search", "--one", "--products", str(products)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ourselves
        print(" ".join(f"{value:>9}" for value in row["row"]))
        if asked.queries:
            for query, ms, total in row["queries"]:
                print(f"  {ms:8.2f} ms {total:>8} {query}")
    return 0


def measure(products: int) -> dict[str, object]:
    """Build an index of so many products and put the queries to it."""
    count = round(products / PER_ARTICLE)
    folder = Path(tempfile.mkdtemp(prefix="madang-bench-"))
    try:
        build_seconds = build_apart(folder, count)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        before = memory()
        reader = Reader(folder)
        times = {query: timed(partial(reader.search, Question(query))) for query in QUERIES}
        narrowed = [timed(partial(reader.search, Question(query, chosen=CHOSEN))) for query in QUERIES]
        ordered = [timed(partial(reader.search, Question(query, "price-up"))) for query in QUERIES]
        suggested = [timed(partial(reader.suggest, query, 6)) for query in QUERIES]
        after = memory()
        commit = committing(folder)
        every = sorted(times.values())
        row = [
            products, count, f"{build_seconds:.1f}", f"{size / 1e6:.0f}", f"{median(every):.2f}",
            f"{quantiles(every, n=20)[-1]:.2f}", f"{every[-1]:.2f}", f"{median(narrowed):.2f}",
            f"{median(ordered):.2f}", f"{median(suggested):.2f}", f"{commit:.0f}",
            f"{after[0] - before[0]:.0f}", f"{after[1] - before[1]:.0f}", f"{held(reader):.2f}",
        ]  # fmt: skip
        queries = [(query, ms, reader.search(Question(query)).total) for query, ms in times.items()]
        return {"row": row, "queries": queries}
    finally:
        shutil.rmtree(folder)


def build_apart(folder: Path, count: int) -> float:
    """Build the index in a child, so that this process's memory is a reader's; return the seconds."""
    began = time.perf_counter()
    command = [sys.executable, "-c", f"from bench.search import build; build({str(folder)!r}, {count})"]
    subprocess.run(command, check=True)  # noqa: S603 - ourselves
    return time.perf_counter() - began


def build(folder: str, count: int) -> None:
    """Build an index of so many articles."""
    writer = Writer.begin(Path(folder))
    shelf = many(count)
    while batch := list(islice(shelf, BATCH)):
        writer.add(batch)
    writer.commit("")
    writer.publish()


def many(count: int) -> Iterator[Article]:
    """Give so many articles: the catalogue, then again and again under names with another word in front."""
    base = articles()
    chance = random.Random(7)  # noqa: S311 - the same shelf every time
    for number in range(count):
        article = base[number % len(base)]
        word = "".join(chance.choice(FIRST) + chance.choice(SECOND) for _ in range(2))
        name = article.name if number < len(base) else f"{word} {article.name}"
        price = article.price + chance.randrange(20) * 500
        yield replace(article, article_id=number + 1, name=name, price=price, sold=chance.randrange(50))


def timed(work: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """Return the milliseconds of the best of a few rounds: the processor's, not the clock's.

    tantivy searches in the thread that asks.
    """
    rounds = []
    for _ in range(ROUNDS):
        began = clock()
        work()
        rounds.append((clock() - began) * 1000)
    return min(rounds)


def committing(folder: Path) -> float:
    """Return the milliseconds from a change that is known to a reader who sees it."""
    writer = Writer.resume(folder)
    changed = [replace(article, price=article.price + 1) for article in articles()[:20]]

    def change() -> None:
        writer.put(changed)
        writer.commit("")

    return timed(change, time.perf_counter)


def held(reader: Reader) -> float:
    """Return by how much (p95) another thread, such as the loop's, wakes late while one searches."""
    stopping = threading.Event()

    def search() -> None:
        while not stopping.is_set():
            for query in QUERIES:
                reader.search(Question(query))

    thread = threading.Thread(target=search)
    thread.start()
    waits = []
    for _ in range(200):
        began = time.perf_counter()
        time.sleep(0.001)
        waits.append((time.perf_counter() - began - 0.001) * 1000)
    stopping.set()
    thread.join()
    return quantiles(waits, n=20)[-1]


def memory() -> tuple[float, float]:
    """Return this process's resident memory, and what of it is not mapped files, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kept = {
        name: int(value.split()[0]) / 1000
        for name, value in (line.split(":", 1) for line in lines)
        if "kB" in value
    }
    return kept["VmRSS"], kept["RssAnon"]
