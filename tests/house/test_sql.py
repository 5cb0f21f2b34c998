"""SQL is built by SQLAlchemy, never by pasting text."""

import ast
import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])
VERBS = re.compile(
    r"^\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|ALTER\s+TABLE|DROP\s)",
    re.IGNORECASE,
)
AT_HOME = "app/infra/"  # SELECT 1, a lock's name, PRAGMAs
WRITES_FILES = {"app/infra/ddl.py"}  # schema.sql, for people to load; nothing there is run


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_is_pasted_together_because_a_value_in_it_would_be_code(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"text", "sqlalchemy.text", "sa.text"}:
            assert where.startswith(AT_HOME), f"line {node.lineno}: SQL as text belongs in infra"
            assert isinstance(node.args[0], ast.Constant), f"line {node.lineno}: SQL pasted together"
        if isinstance(node, ast.JoinedStr) and where not in WRITES_FILES:
            fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            assert not VERBS.match(fixed), f"line {node.lineno}: {fixed}"


def test_htmx_is_the_release_we_read_and_nothing_else() -> None:
    """The one script we did not write runs on every page: another byte in it is another program."""
    vendored = ROOT / "app/static/vendor/htmx-4.0.1.min.js"
    assert (
        hashlib.sha256(vendored.read_bytes()).hexdigest()
        == "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
    )
    assert [path.name for path in vendored.parent.iterdir() if path.suffix == ".js"] == [vendored.name]
