"""All that a refused request must leave alone: every row of every table, and every cart in Redis."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select

from app.machines import Machines
from app.models import metadata

Books = Mapping[str, Counter[str]]

# A cart may be written more than once as it is, by its message and by the sweeper.
WRITTEN_AGAIN = {("carts", "updated_at"), ("cart_heads", "updated_at")}
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
            columns = [column for column in table.columns if (table.name, column.name) not in WRITTEN_AGAIN]
            books[table.name] = Counter(str(tuple(row)) for row in await tx.execute(select(*columns)))
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
