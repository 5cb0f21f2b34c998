"""Recovery codes: for an operator whose phone is gone. Each works once, and only their hashes are kept."""

from app.core import ids
from app.operators.sealing import derive

CODES = 10
DIGITS = 20  # 66 bits: too many to guess, so a plain hash keeps them; digits, so that any keypad types them
GROUP = 4


def make_codes(secret_key: str, token: str, batch: str) -> list[str]:
    """Return the codes of a batch. They come from the session's own token: nobody else can see them again."""
    seeds = [derive(secret_key, "recovery", token, batch, str(number)) for number in range(CODES)]
    return [f"{int.from_bytes(seed) % 10**DIGITS:0{DIGITS}}" for seed in seeds]


def hash_code(code: str) -> str:
    """Return what is kept of a code."""
    return ids.fingerprint(code)


def group(code: str) -> str:
    """Return a code as people read it, in fours."""
    return "-".join(code[place : place + GROUP] for place in range(0, DIGITS, GROUP))
