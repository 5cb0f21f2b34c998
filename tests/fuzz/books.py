"""All that a refused request must leave alone: every row of every table, and every cart in Redis."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select

from app.machines import Machines
from app.models import access_log, audit_log, metadata

Books = Mapping[str, Counter[str]]

# A cart may be written more than once as it is, by its message and by the sweeper. And what is written down
# of those who are refused, or only look, is no change: how often a code was wrong, and who was here last.
UNREAD = {
    ("carts", "updated_at"),
    ("cart_heads", "updated_at"),
    ("sessions", "used_at"),
    ("operators", "failures"),
    ("operators", "open_at"),
    ("operators", "updated_at"),
    ("operator_sessions", "challenges"),
    ("operator_sessions", "last_seen_at"),
}
REFUSED = "operator.refused"
CARTS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*cart:*')) do
  if redis.call('TYPE', key).ok == 'hash' then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
      if string.find(all[i], '^p%d+$') then found[#found + 1] = key .. ' ' .. all[i] .. '=' .. all[i + 1] end
    end
  end
end
return found
"""


async def read_books(m: Machines) -> Books:
    """Read everything."""
    books: dict[str, Counter[str]] = {}
    async with m.db.read() as tx:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if (table.name, column.name) not in UNREAD]
            rows = select(*columns)
            if table is audit_log:
                rows = rows.where(table.c.action != REFUSED)
            if table is not access_log:
                books[table.name] = Counter(str(tuple(row)) for row in await tx.execute(rows))
    books["carts in Redis"] = Counter(await m.redis.command("EVAL", CARTS, "0"))
    return books


def compare(before: Books, after: Books) -> list[str]:
    """Say what changed."""
    return [
        f"{name} {sign} {row[:300]}"
        for name in before
        for sign, rows in (("-", before[name] - after[name]), ("+", after[name] - before[name]))
        for row in rows
    ]
