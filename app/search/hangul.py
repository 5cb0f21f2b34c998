"""Hangul taken apart and put together again: letters, initial consonants, keys typed wrong; pure."""

import unicodedata
from collections.abc import Callable

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
FIRST, LAST = 0xAC00, 0xD7A3
PER_INITIAL = len(VOWELS) * len(FINALS)

# What two keys make together.
JOINED = {
    "ㅗㅏ": "ㅘ", "ㅗㅐ": "ㅙ", "ㅗㅣ": "ㅚ", "ㅜㅓ": "ㅝ", "ㅜㅔ": "ㅞ", "ㅜㅣ": "ㅟ", "ㅡㅣ": "ㅢ",
    "ㄱㅅ": "ㄳ", "ㄴㅈ": "ㄵ", "ㄴㅎ": "ㄶ", "ㄹㄱ": "ㄺ", "ㄹㅁ": "ㄻ", "ㄹㅂ": "ㄼ", "ㄹㅅ": "ㄽ",
    "ㄹㅌ": "ㄾ", "ㄹㅍ": "ㄿ", "ㄹㅎ": "ㅀ", "ㅂㅅ": "ㅄ",
}  # fmt: skip
PARTS = {whole: parts for parts, whole in JOINED.items()}

KEYS = dict(
    zip(
        "rRseEfaqQtTdwWczxvgkoiOjpuPhynbmlKIJUHYNBMLSDFAGZXCV",
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅜㅠㅡㅣㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣㄴㅇㄹㅁㅎㅋㅌㅊㅍ",
        strict=True,
    )
)
LETTER_KEYS = {letter: key.lower() for key, letter in reversed(KEYS.items())}

# Spoken alike by nearly everybody, and therefore written for one another.
ALIKE = str.maketrans({"ㅐ": "ㅔ", "ㅒ": "ㅖ", "ㅙ": "ㅞ", "ㅚ": "ㅞ"})


def letters(text: str) -> str:
    """Return text as the keys that type it: 꽃 is ㄲㅗㅊ, 왜 is ㅇㅗㅐ."""
    return text.translate(_LETTERS)


def sound(text: str) -> str:
    """Return the letters of text, with those that sound alike made one: 배게 and 베개 are the same."""
    return text.translate(_SOUNDS)


def initials(text: str) -> str:
    """Return text with each syllable cut down to its initial consonant: 달빛 is ㄷㅂ."""
    return text.translate(_INITIALS)


def is_initials(text: str) -> bool:
    """Whether text is nothing but single consonants, as somebody types who is in a hurry."""
    return bool(text) and all(char in INITIALS for char in text)


def has_letters(text: str) -> bool:
    """Whether a single letter stands somewhere in text, outside of any syllable."""
    return any("ㄱ" <= char <= "ㅣ" for char in text)


def single_consonants(text: str) -> str:
    """Return text with two finals that became one (ㄳ) taken apart: initials are typed like that."""
    return "".join(PARTS.get(char, char) if char in FINALS else char for char in text)


def to_hangul(text: str) -> str:
    """Return what the keys of text would have typed in Korean: ``ehwkrl`` is 도자기."""
    return compose("".join(KEYS.get(char, char) for char in text))


def to_latin(text: str) -> str:
    """Return what the keys of text would have typed in English: ㅡㅕㅎ is ``mug``."""
    return "".join(LETTER_KEYS.get(char, char) for char in letters(text))


def compose(text: str) -> str:
    """Put letters together to syllables as a Korean keyboard does; what is none stays as it is."""
    made: list[str] = []
    for char in text:
        last = made[-1] if made else ""
        made[-1:] = _add(last, char) if last else [char]
    return unicodedata.normalize("NFC", "".join(made))


def _add(last: str, letter: str) -> list[str]:
    """Return what a syllable, or a letter, and the next letter become."""
    if letter in VOWELS:
        return _add_vowel(last, letter)
    if letter not in INITIALS or not FIRST <= ord(last) <= LAST:
        return [last, letter]
    initial, vowel, final = _take_apart(last)
    joined = JOINED.get(final + letter, "") if final else letter
    if joined in FINALS and joined:
        return [_syllable(initial, vowel, joined)]
    return [last, letter]


def _add_vowel(last: str, vowel: str) -> list[str]:
    if last in INITIALS:
        return [_syllable(last, vowel)]
    if last + vowel in JOINED:  # two vowels that never had a consonant
        return [JOINED[last + vowel]]
    if not FIRST <= ord(last) <= LAST:
        return [last, vowel]
    initial, before, final = _take_apart(last)
    if not final:
        joined = JOINED.get(before + vowel)
        return [_syllable(initial, joined)] if joined else [last, vowel]
    # The final consonant, or the second of two, was the next syllable's first.
    parts = PARTS.get(final, final)
    return [_syllable(initial, before, parts[:-1]), _syllable(parts[-1], vowel)]


def _take_apart(syllable: str) -> tuple[str, str, str]:
    number = ord(syllable) - FIRST
    initial, rest = divmod(number, PER_INITIAL)
    vowel, final = divmod(rest, len(FINALS))
    return INITIALS[initial], VOWELS[vowel], FINALS[final]


def _syllable(initial: str, vowel: str, final: str = "") -> str:
    number = (INITIALS.index(initial) * len(VOWELS) + VOWELS.index(vowel)) * len(FINALS)
    return chr(FIRST + number + FINALS.index(final))


class _Table(dict[int, str]):
    """A table for ``str.translate`` that grows with the characters it meets: there are 11,172 syllables."""

    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self._change = change

    def __missing__(self, number: int) -> str:
        """Work out what becomes of a character."""
        changed = self[number] = self._change(chr(number))
        return changed


def _to_letters(char: str) -> str:
    parts = _take_apart(char) if FIRST <= ord(char) <= LAST else (char,)
    return "".join(PARTS.get(part, part) for part in parts)


def _to_sound(char: str) -> str:
    parts = _take_apart(char) if FIRST <= ord(char) <= LAST else (char,)
    alike = (part.translate(ALIKE) for part in parts)
    return "".join(PARTS.get(part, part) for part in alike)


def _to_initial(char: str) -> str:
    return _take_apart(char)[0] if FIRST <= ord(char) <= LAST else char


_LETTERS, _SOUNDS, _INITIALS = _Table(_to_letters), _Table(_to_sound), _Table(_to_initial)
