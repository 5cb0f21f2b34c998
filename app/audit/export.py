"""The access log as CSV, for whoever must report a breach: spreadsheets open it, and run nothing in it."""

import csv
import io
from collections.abc import Sequence

from app.audit.store import Access
from app.core.clock import to_kst
from app.core.languages import _, marked

BOM = "\ufeff"  # without it Excel reads Korean as something else
# What a spreadsheet takes for the beginning of a formula, in both widths; tabs and line ends hide one.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
HEAD = (
    marked("번호"),
    marked("본 때 (한국)"),
    marked("운영자"),
    marked("접속 주소"),
    marked("누구의 정보"),
    marked("무엇을"),
)


def write_csv(rows: Sequence[Access]) -> str:
    """Return the rows as CSV, every cell quoted."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow([_(name) for name in HEAD])
    for row in rows:
        seen_at = f"{to_kst(row.created_at):%Y-%m-%d %H:%M:%S}"
        cells = (str(row.row_id), seen_at, row.signup_id, row.address, row.subject, row.what)
        writer.writerow([neutral(cell) for cell in cells])
    return BOM + file.getvalue()


def neutral(cell: str) -> str:
    """Return a cell that is text to every spreadsheet, whatever it begins with."""
    return f"'{cell}" if cell.lstrip(" ").startswith(RISKY) else cell
