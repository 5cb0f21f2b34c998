"""How a query may be meant: as it was typed, with the 한/영 key the other way, or with other words; pure."""

import re

from app.search import hangul, synonyms

MOST_WORDS = 8
KEYS_ONLY = re.compile(r"[a-zA-Z\u3131-\u3163\uac00-\ud7a3 ]+")
# 여행용, 유럽식, 조립형: what a thing is for, not what it is called.
FOR = re.compile(r"(?<![\uac00-\ud7a3])(?P<what>[\uac00-\ud7a3]{2,20})(?:용|식|형|제)")
TWICE = re.compile(r"([\u3131-\u3163\uac00-\ud7a3])\1+")
WITHIN = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)  # what is left without signs at the edges


def readings(query: str) -> list[tuple[str, ...]]:
    """Return the words of a query, likeliest meaning first.

    As it was typed, without signs, with other keys, and with what was typed twice typed once.
    """
    typed = query.lower().split()[:MOST_WORDS]
    plain = [found[0] for found in (WITHIN.search(word) for word in typed) if found]
    keys = other_keys(query).lower().split()[:MOST_WORDS]
    once = [TWICE.sub(r"\1", word) for word in plain]
    found = [tuple(typed), tuple(plain), tuple(keys), tuple(once)]
    return [words for words in dict.fromkeys(found) if words]


def other_keys(query: str) -> str:
    """Return the query as the same keys type it in the other language, or '' when there is nothing to it."""
    if not KEYS_ONLY.fullmatch(query):
        return ""
    if any(char.isascii() and char.isalpha() for char in query):
        return hangul.to_hangul(query)
    # Words of whole syllables may have been meant in English too, but then hardly anything comes of it.
    return hangul.to_latin(query)


def other_words(word: str) -> tuple[str, ...]:
    """Return what else a word may be called."""
    others = synonyms.expand(word)
    made_for = FOR.fullmatch(word)
    return (*others, made_for["what"]) if made_for else others


def may_be_a_thing(ending: str) -> bool:
    """Whether the end of a word may be what it is about; of single syllables only those that are known."""
    return len(ending) > 1 or bool(synonyms.expand(ending))


def join_known(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with those two made one that are known as one: green tea."""
    joined: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if rest and synonyms.expand(word + rest[0]):
            word += rest.pop(0)
        joined.append(word)
    return tuple(joined)
