"""Every door that changes something was tried by fifty at once."""

import ast
from pathlib import Path

import pytest
from quart import Quart

from app.main import create_app
from app.settings import Settings
from app.web.guards import UNSAFE

RACES = Path(__file__).parent.parent / "races"
UNCHANGING_POSTS = {
    "ops.receive_violations",  # it counts, and nothing else
    "payments.take_over",  # it gives this browser a cookie, and nothing else
}
CHANGING_GETS = {"payments.confirm_return"}  # the way back from Toss: a link, because Toss sends it


@pytest.fixture(scope="module")
def app() -> Quart:
    redis, amqp = "redis://127.0.0.1:1", "amqp://127.0.0.1:1"
    return create_app(Settings(secret_key="k", password_pepper="p", redis_url=redis, amqp_url=amqp))


def raced() -> dict[str, list[str]]:
    """Whom the ``@races(...)`` above each test of tests/races names, and which tests those are."""
    found: dict[str, list[str]] = {}
    for path in sorted(RACES.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.AsyncFunctionDef) or not node.name.startswith("test_"):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "races":
                    for endpoint in mark.args:
                        found.setdefault(ast.literal_eval(endpoint), []).append(node.name)
    return found


def test_every_change_has_a_race_so_that_nobody_forgets_the_second_click(app: Quart) -> None:
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if set(rule.methods or ()) & set(UNSAFE)}
    assert set(raced()) == changing - UNCHANGING_POSTS | CHANGING_GETS
