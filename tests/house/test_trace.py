"""One number follows a request: on the error page, in the log, and with the messages it left."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from app.core.message import decode
from app.infra.log import JsonFormatter, trace
from app.models import outbox
from app.orders.messages import OrderPaid
from tests.shop import Shop


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("app")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(level)


async def test_the_number_on_an_error_page_finds_the_requests_lines(shop: Shop, lines: io.StringIO) -> None:
    page = await (await shop.visitor().get("/orders/20200101-NOBODY1")).get_data(as_text=True)
    found = re.search(r"문의 번호</dt><dd>([0-9a-f]{8})</dd>", page)
    assert found, page
    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["said"][:12] for line in logged if line.get("trace") == found[1]] == ["answered 404"]


async def test_two_requests_have_two_numbers(shop: Shop) -> None:
    pages = [await (await shop.visitor().get("/nowhere")).get_data(as_text=True) for _ in range(2)]
    numbers = {re.findall(r"<dd>([0-9a-f]{8})</dd>", page)[0] for page in pages}
    assert len(numbers) == 2


async def test_a_message_carries_the_number_of_the_request_that_left_it(shop: Shop) -> None:
    trace.set("0badcafe")
    async with shop.m.db.write() as tx:
        await tx.announce(OrderPaid("20200101-NOBODY1", "g:nobody", 1))
        left = (await tx.execute(select(outbox.c.body).order_by(outbox.c.outbox_id.desc()))).first()
    assert left is not None
    assert decode(left.body.encode()).trace == "0badcafe"


def test_a_line_of_the_log_cannot_be_forged_by_a_value() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said %s", ("a\nb\r\n{}",), None)
    assert JsonFormatter().format(record).count("\n") == 0
