"""Every Redis key of the shop, with its lifetime.

Keys that one script touches together share a ``{hash tag}``, so that they also live together in a
Redis Cluster.
"""

import zlib

DAY = 86_400

CART_SECONDS = 30 * DAY  # refreshed by every edit
SESSION_SECONDS = 14 * DAY  # without a request a session ends
SESSION_MOST_SECONDS = 30 * DAY  # with or without requests it ends
ATTEMPT_SECONDS = 900
LIMIT_SECONDS = 3600  # no budget takes longer to be full again
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
    """Return the key that names the life of Redis which has a history for the bucket. Never expires."""
    return f"{{b{number}}}gen"


def session(token_hash: str) -> str:
    """Return the hash that is the copy of a session. Lives as long as its row: SESSION_MOST_SECONDS."""
    return f"{{s{token_hash}}}session"


def login_attempts(mark: str) -> str:
    """Return the hash that counts attempts to log in to one account. Lives ATTEMPT_SECONDS after the last."""
    return f"{{l{mark}}}attempts"


def limit(name: str, mark: str) -> str:
    """Return the moment at which a budget of a limit is full again. Lives until then, LIMIT_SECONDS at most.

    All budgets of one limit are on one node: an address, its network and what it is about are spent together.
    """
    return f"{{l-{name}}}limit:{mark}"
