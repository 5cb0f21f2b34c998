"""Every Redis key of the shop, with its lifetime.

Keys that one script touches together share a ``{hash tag}``, so that they also live together in a
Redis Cluster.
"""

import zlib

DAY = 86_400

CART_SECONDS = 30 * DAY  # refreshed by every edit
SESSION_SECONDS = 14 * DAY  # idle time-out; the row in MySQL has the absolute one
BUCKETS = 16


def bucket(owner: str) -> int:
    """Return which of the 16 groups of carts an owner belongs to."""
    return zlib.crc32(owner.encode()) % BUCKETS


def cart(owner: str) -> str:
    """Return the hash that is the owner's cart. Lives CART_SECONDS after its last edit."""
    return f"{{b{bucket(owner)}}}cart:{owner}"


def dirty(number: int) -> str:
    """Return the sorted set of a bucket's carts that MySQL may not have yet. Never expires."""
    return f"{{b{number}}}dirty"


def generation(number: int) -> str:
    """Return the mark that this Redis has a history for the bucket. Never expires."""
    return f"{{b{number}}}gen"


def session(token_hash: str) -> str:
    """Return the hash that is a session. Lives SESSION_SECONDS after its last use."""
    return f"{{s{token_hash}}}session"


def user_sessions_epoch(user_id: int) -> str:
    """Return the number below which a user's sessions are dead. Lives as long as a session may."""
    return f"{{u{user_id}}}epoch"
