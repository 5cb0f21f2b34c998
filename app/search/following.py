"""Keeps this machine's index as the database has it: built when there is none, then changed as products are.

It asks the database what was changed, and is not told by messages: every machine that searches has an index,
a message reaches one worker, and whoever asks heals by himself after any outage.
"""

import asyncio
import fcntl
import logging
import os
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

from app.machines import Machines
from app.search import store
from app.search.index import IndexUnusableError, Writer, is_broken, read_followed
from app.search.store import Change

PAGE = 1000
# A change is seen when its transaction commits, with the moment its process wrote: so long before that.
OVERLAP = timedelta(seconds=10)
PAUSE_SECONDS = 10.0  # after the index could not be written

log = logging.getLogger(__name__)


class Follower:
    """Follows the database into the index of DATA_DIR, if no other process of this machine does."""

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._root = m.settings.data_path / "search"
        self._lock: int | None = None
        self._writer: Writer | None = None
        self._followed = datetime.min  # noqa: DTZ901 - naive UTC
        self._seen: dict[int, Change] = {}
        self._paused_until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def follow(self) -> None:
        """Bring the index up to date. Raises UnavailableError."""
        async with self._one_at_a_time:
            if time.monotonic() < self._paused_until or not await asyncio.to_thread(self._is_ours):
                return
            try:
                await self._follow()
            except BaseException as error:
                if not is_broken(error) and not isinstance(error, IndexUnusableError):
                    raise  # the database is away: what was put and not committed is put again
                self._writer = None
                self._paused_until = time.monotonic() + PAUSE_SECONDS
                log.error("the search index cannot be written: %s", error)  # noqa: TRY400 - where in Rust, tells nobody anything

    async def let_go(self) -> None:
        """Close the index, and let another process have it."""
        async with self._one_at_a_time:
            self._writer = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    async def _follow(self) -> None:
        writer = self._writer
        if writer is not None and await asyncio.to_thread(writer.is_trusted):
            await self._take_changes(writer)
        else:
            self._writer = writer = None  # its files are let go before others are opened
            await self._open()

    def _is_ours(self) -> bool:
        """Whether no other process of this machine writes; the lock lies beside the folder, which may go."""
        if self._lock is None:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._root.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    async def _open(self) -> None:
        self._seen = {}
        try:
            writer = await asyncio.to_thread(Writer.resume, self._root)
            self._followed = datetime.fromisoformat(read_followed(writer.folder))
        except (IndexUnusableError, ValueError) as error:
            log.warning("the search index is built: %s", error)
            self._writer = await self._build()
        else:
            self._writer = writer
            await self._take_changes(writer)

    async def _build(self) -> Writer:
        started, since = time.monotonic(), self._m.clock.now()
        writer = await asyncio.to_thread(Writer.begin, self._root)
        try:
            last, count = 0, 0
            while True:
                async with self._m.db.read() as tx:
                    articles = await store.select_next_articles(tx, last, PAGE)
                if not articles:
                    break
                await asyncio.to_thread(writer.add, articles)
                last, count = articles[-1].article_id, count + len(articles)
            await asyncio.to_thread(writer.commit, since.isoformat())
            built = await asyncio.to_thread(writer.publish)
        except BaseException:
            await asyncio.to_thread(_throw_away, writer.folder)
            raise
        self._followed = since
        log.info("the search index has %d articles, built in %.1f s", count, time.monotonic() - started)
        return built

    async def _take_changes(self, writer: Writer) -> None:
        now = self._m.clock.now()
        seen = await self._read_changes(min(self._followed, now) - OVERLAP)
        changed = {one.article_id for one in seen.values() if self._seen.get(one.product_id) != one}
        ids = sorted(changed)
        for start in range(0, len(ids), PAGE):
            asked = ids[start : start + PAGE]
            async with self._m.db.read() as tx:
                articles = await store.select_articles(tx, asked)
            gone = set(asked) - {article.article_id for article in articles}
            await asyncio.to_thread(writer.put, articles, gone)
        if ids:
            await asyncio.to_thread(writer.commit, now.isoformat())
        self._seen, self._followed = seen, now

    async def _read_changes(self, since: datetime) -> dict[int, Change]:
        changes: dict[int, Change] = {}
        after = 0
        while True:
            async with self._m.db.read() as tx:
                page = await store.select_changes(tx, since, after, PAGE)
            changes.update({change.product_id: change for change in page})
            if len(page) < PAGE:
                return changes
            since, after = page[-1].at, page[-1].product_id


def _throw_away(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
