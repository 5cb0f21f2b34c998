"""Every Redis key has one home and a lifetime."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.infra import keys
from tests.goods import mug
from tests.shop import Shop
from tests.village import enter, minji

ROOT = Path(__file__).parent.parent.parent
BUILDERS = {
    name: function
    for name, function in inspect.getmembers(keys, inspect.isfunction)
    if inspect.signature(function).return_annotation is str
}
FOREVER = {"dirty", "generation"}  # what is written down here must not be forgotten: it is counted, not aged
KEYLESS = [["'PING'"], ["'CONFIG'", "'GET'", "name"]]


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_a_key_says_how_long_it_lives_so_that_redis_does_not_fill_up(name: str) -> None:
    said = inspect.getdoc(BUILDERS[name]) or ""
    assert ("Never expires" in said) if name in FOREVER else re.search(r"Lives .*[A-Z]+_SECONDS", said)
    for constant in re.findall(r"[A-Z_]+_SECONDS", said):
        assert getattr(keys, constant) > 0


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_a_key_has_a_hash_tag_so_that_a_script_finds_its_keys_on_one_node(name: str) -> None:
    parameters = inspect.signature(BUILDERS[name]).parameters.values()
    built = BUILDERS[name](*(3 if one.annotation is int else "u:17" for one in parameters))
    assert re.fullmatch(r"\{[a-z][^{}]*\}[a-z]+(:.+)?", built)


def test_keys_are_built_in_one_file_so_that_their_lifetimes_can_be_read_in_one() -> None:
    """Whoever gives Redis a key by hand, or shapes one of ours, has built one elsewhere."""
    shapes = re.compile(r"\{\{[bsl]|\}\}(cart|dirty|gen|session|attempts|limit)")
    found = []
    for path in (*(ROOT / "app").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")):
        where = str(path.relative_to(ROOT))
        if where == "app/infra/keys.py":
            continue
        if shapes.search(path.read_text()):
            found.append(f"{where}: the shape of a key")
        found += [f"{where}: {ast.unparse(call)}" for call in by_hand(ast.parse(path.read_text()))]
    assert found == []


def by_hand(module: ast.Module) -> Iterator[ast.Call]:
    """Every command to Redis whose key was not built by keys.py."""
    for call in ast.walk(module):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith(
            ("redis.command", "self.command")
        ):
            continue
        words = [ast.unparse(word) for word in call.args]
        if words not in KEYLESS and not words[1].startswith("keys."):
            yield call


def test_scripts_touch_only_the_keys_they_are_given_so_that_a_cluster_can_place_them() -> None:
    for path in (ROOT / "app").rglob("*.lua"):
        for command, first in re.findall(r"redis\.call\('(\w+)'(?:, ([^,)]+))?", path.read_text()):
            keyless = (command, first) in {("INFO", "'server'"), ("TIME", "")}
            assert keyless or re.fullmatch(r"KEYS\[\d\]|[a-z_]+", first), f"{path.name}: {command} {first}"


async def test_what_lies_in_redis_is_one_of_ours_and_ends_when_it_says(shop: Shop) -> None:
    person, product = await minji(shop.m), await mug(shop.m)
    guest = shop.visitor()
    await guest.post("/cart/lines", product_id=product, quantity=1, key="")
    await guest.post("/login", signup_id=person.signup_id, password="틀린 비밀번호")
    await guest.post("/orders/lookup", order_no="20261123-AAAAAAA", phone="01012345678")
    await (await enter(shop, person)).post("/cart/lines", product_id=product, quantity=1, key="")
    longest = {
        r"\{b\d+\}cart:[ug]:\w+": keys.CART_SECONDS,
        r"\{s\w{64}\}session": keys.SESSION_MOST_SECONDS,
        r"\{l\w{64}\}attempts": keys.ATTEMPT_SECONDS,
        r"\{l-[a-z-]+\}limit:\w{64}": keys.LIMIT_SECONDS,
    }
    for key in await shop.m.redis.command("KEYS", "*"):
        lives = await shop.m.redis.command("TTL", key)
        if re.fullmatch(r"\{b\d+\}(dirty|gen)", key):
            assert lives in {-1, -2}, key  # -2: an empty set ends meanwhile
            continue
        bound = next((seconds for shape, seconds in longest.items() if re.fullmatch(shape, key)), None)
        assert bound, f"{key} is none of ours"
        assert lives == -2 or 0 <= lives <= bound, (key, lives)  # 0: the last half second
