"""Recovery codes: for an operator whose phone is gone. Each works once, and only their hashes are kept."""

from app.core import ids
from app.operators.sealing import derive

CODES = 10
LENGTH = 16  # of base32: 80 bits, too many to guess, so a plain hash keeps them
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def make_codes(secret_key: str, token: str, batch: str) -> list[str]:
    """Return the codes of a batch. They come from the session's own token: nobody else can see them again."""
    return [_spell(derive(secret_key, "recovery", token, batch, str(number))) for number in range(CODES)]


def hash_code(code: str) -> str:
    """Return what is kept of a code, however it was typed."""
    return ids.fingerprint(code.upper().translate(LOOKALIKES))


def group(code: str) -> str:
    """Return a code as people read it, in fours."""
    return "-".join(code[place : place + 4] for place in range(0, LENGTH, 4))


def _spell(seed: bytes) -> str:
    number = int.from_bytes(seed)
    return "".join(ids.CROCKFORD[number >> 5 * place & 31] for place in range(LENGTH))
