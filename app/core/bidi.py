"""Text of people inside a sentence of ours, where no element can hold it apart; pure."""

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def isolated(words: str) -> str:
    """Return the words so that, written from right to left, they turn nothing but themselves around."""
    return f"{FIRST_STRONG_ISOLATE}{words}{POP_ISOLATE}"
