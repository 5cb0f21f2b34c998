"""The cart at its door: adding, changing, removing, undoing, with htmx and without."""

import asyncio
import os
import re
import secrets
import signal
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import pytest
from quart import Response

from app.infra.redis import Script
from tests.goods import change, hidden_draft, last_teapot, mug, sold_out_lamp
from tests.shop import Shop, Visitor, eventually


async def text(response: Response) -> str:
    return await response.get_data(as_text=True)


async def lines(visitor: Visitor) -> dict[int, int]:
    """What the cart page shows: product → quantity."""
    page = await text(await visitor.get("/cart"))
    found = re.findall(r'id="cart-quantity-(\d+)" type="number" name="quantity" value="(\d+)"', page)
    return {int(product): int(quantity) for product, quantity in found}


async def test_a_guest_puts_a_mug_in_the_cart_without_scripts(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    answer = await guest.post("/cart/lines", product_id=product, quantity=2, key="a" * 32)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    page = await text(await guest.get("/cart"))
    assert "달빛 머그" in page
    assert "24,000원" in page
    assert "27,000원" in page  # with delivery


async def test_htmx_gets_pieces_and_nothing_else(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    answer = await guest.post("/cart/lines", htmx=True, product_id=product, quantity=1, key="a" * 32)
    body = await text(answer)
    assert answer.status_code == 200
    assert re.findall(r'<hx-partial hx-target="#([\w-]+)"', body) == ["cart-badge", "cart-key", "web-notice"]
    assert "<html" not in body
    assert "HX-Request" in answer.headers["Vary"]


async def test_the_same_press_counts_once(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    for _ in range(5):
        await guest.post("/cart/lines", product_id=product, quantity=2, key="b" * 32)
    assert await lines(guest) == {product: 2}
    await guest.post("/cart/lines", product_id=product, quantity=2, key="c" * 32)
    assert await lines(guest) == {product: 4}


async def test_a_quantity_is_what_was_asked_for_however_often(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    for _ in range(3):
        answer = await guest.post(f"/cart/lines/{product}", htmx=True, quantity=5)
    assert answer.status_code == 200
    assert f'hx-target="#cart-line-{product}"' in await text(answer)
    assert await lines(guest) == {product: 5}


async def test_a_removed_line_can_be_brought_back(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=3, key="")
    answer = await guest.post(f"/cart/lines/{product}/removal", htmx=True)
    assert 'action="/cart/undo"' in await text(answer)
    assert await lines(guest) == {}
    await guest.post("/cart/undo")
    assert await lines(guest) == {product: 3}


async def test_a_quantity_of_a_removed_line_does_not_bring_it_back(shop: Shop) -> None:
    """A slow page's debounced edit may arrive after the removal that came later."""
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=3, key="")
    await guest.post(f"/cart/lines/{product}/removal")
    answer = await guest.post(f"/cart/lines/{product}", quantity=4)
    assert answer.status_code == 409
    assert "이미 장바구니에서 뺀 상품입니다" in await text(answer)
    assert await lines(guest) == {}


async def test_no_more_than_there_is(shop: Shop) -> None:
    guest, product = shop.visitor(), await last_teapot(shop.m)
    answer = await guest.post("/cart/lines", product_id=product, quantity=3, key="")
    assert answer.status_code == 409
    assert "남은 수량이 1개" in await text(answer)
    assert await lines(guest) == {product: 1}


async def test_a_sold_out_lamp_is_not_put_in(shop: Shop) -> None:
    guest, product = shop.visitor(), await sold_out_lamp(shop.m)
    answer = await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    assert answer.status_code == 409
    assert "품절" in await text(answer)
    assert await lines(guest) == {}


@pytest.mark.parametrize("product", ["hidden", 999_999_999])
async def test_what_is_not_sold_is_not_found(shop: Shop, product: str | int) -> None:
    guest = shop.visitor()
    product_id = await hidden_draft(shop.m) if product == "hidden" else product
    answer = await guest.post("/cart/lines", product_id=product_id, quantity=1, key="")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "quantity", ["-1", "0", "1e9", "1.5", "٣", "", "abc", "100", "1" * 40, "NaN", " ", "１"]
)
async def test_a_quantity_no_form_of_ours_sends_changes_nothing(shop: Shop, quantity: str) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=2, key="")
    answer = await guest.post("/cart/lines", product_id=product, quantity=quantity, key="")
    assert answer.status_code == 422
    assert "장바구니는 바뀌지 않았습니다" in await text(answer)
    assert await lines(guest) == {product: 2}


@pytest.mark.parametrize("product", ["-1", "0", "x", "1.5", "٣", "", "99999999999"])
async def test_a_product_no_form_of_ours_names_changes_nothing(shop: Shop, product: str) -> None:
    guest = shop.visitor()
    answer = await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    assert answer.status_code == 422
    assert await lines(guest) == {}


async def test_an_array_where_one_value_belongs_is_refused(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    body = f"csrf={quote(await guest.token())}&product_id={product}&quantity=1&quantity=2&key="
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await guest.client.post("/cart/lines", data=body, headers=form)
    assert answer.status_code == 422
    assert "여러 개" in await text(answer)
    assert await lines(guest) == {}


async def test_a_wrong_form_token_changes_nothing(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    for token in ("", "x", "A" * 88, await shop.visitor().token()):
        answer = await guest.post("/cart/lines", csrf=token, product_id=product, quantity=1, key="")
        assert answer.status_code == 403
        assert "변경된 내용은 없습니다" in await text(answer)
    assert await lines(guest) == {}


async def test_another_site_cannot_send_our_form(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    form = {"csrf": await guest.token(), "product_id": product, "quantity": 1, "key": ""}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        answer = await guest.client.post("/cart/lines", form=form, headers=headers)
        assert answer.status_code == 403
    assert await lines(guest) == {}


async def test_a_body_of_ten_megabytes_is_refused_unread(shop: Shop) -> None:
    guest = shop.visitor()
    answer = await guest.client.post(
        "/cart/lines", data=b"x" * 10_000_000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413
    assert "너무 커서" in await text(answer)


async def test_a_line_says_when_its_product_is_gone_or_short(shop: Shop) -> None:
    guest = shop.visitor()
    gone, short = await mug(shop.m), await mug(shop.m, name="줄어든 머그")
    await guest.post("/cart/lines", product_id=gone, quantity=1, key="")
    await guest.post("/cart/lines", product_id=short, quantity=5, key="")
    await change(shop.m, gone, status="hidden")
    await change(shop.m, short, quantity=2)
    page = await text(await guest.get("/cart"))
    assert "남은 수량은 2개입니다" in page
    assert "더는 팔지 않는 상품입니다" in page
    assert 'href="/checkout"' not in page


is_ours: ContextVar[bool] = ContextVar("is_ours", default=False)


async def test_every_edit_is_one_round_trip_to_redis(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    token = await guest.token()
    trips: list[str] = []
    run = shop.m.redis.run

    async def counted(script: Script, *args: Any) -> Any:
        if is_ours.get():  # the worker in the same loop goes on
            trips.append(script.name)
        return await run(script, *args)

    monkeypatch.setattr(shop.m.redis, "run", counted)
    is_ours.set(True)
    await guest.post(f"/cart/lines/{product}", htmx=True, csrf=token, quantity=2)
    assert trips == ["edit"]


async def test_a_guest_is_known_for_as_long_as_the_cart_lives(shop: Shop) -> None:
    """Every edit gives the cart thirty days more; the cookie that leads to it must not end before."""
    guest, product = shop.visitor(), await mug(shop.m)
    await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    answer = await guest.post(f"/cart/lines/{product}", quantity=2)
    assert "gid=" in answer.headers["Set-Cookie"]
    assert f"Max-Age={30 * 86_400}" in answer.headers["Set-Cookie"]
    assert "Set-Cookie" not in (await guest.get("/cart")).headers


async def test_a_silent_redis_refuses_an_edit_soon_and_counts_it_once(shop: Shop) -> None:
    visitor, product, key = shop.visitor(), await mug(shop.m), secrets.token_hex(16)
    await visitor.get("/cart")
    token = await visitor.token()
    pid = int((await shop.m.redis.command("INFO", "server"))["process_id"])
    loop = asyncio.get_running_loop()
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(6):
            began = loop.time()
            refused = await visitor.post(
                "/cart/lines", product_id=product, quantity=2, key=key, csrf=token, htmx=True
            )
            assert refused.status_code == 503
            assert loop.time() - began < 1
            assert 'hx-target="#web-notice"' in await refused.get_data(as_text=True)
        page = await visitor.get("/")
        assert page.status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)

    async def is_taken() -> bool:
        return (
            await visitor.post("/cart/lines", product_id=product, quantity=2, key=key, csrf=token, htmx=True)
        ).status_code == 200

    await eventually(is_taken, 2)
    assert await lines(visitor) == {product: 2}
