"""What a log-in id and a password may be: length and what everybody guesses first, nothing else."""

import itertools
import re
import unicodedata
from pathlib import Path

from app.core.languages import _, marked
from app.machines import Machines

SIGNUP_ID = re.compile(r"[a-z0-9_]{4,15}", re.ASCII)
SIGNUP_ID_SENTENCE = marked("아이디는 영문 소문자, 숫자, 밑줄(_)로 4자에서 15자까지 입력해 주십시오.")

LEAST = 8
MOST = 1000
MOST_TYPED = 3 * MOST  # before normalising: a Hangul syllable may come as three code points
LEAST_OF_ONES_OWN = 5  # characters that must remain without the id, the phone number and the shop's name

KNOWN_PASSWORDS = Path(__file__).parent / "known_passwords.txt"
SHOP_WORDS = ("madang", "마당")


def fold_signup_id(typed: str) -> str:
    """Return an id as it is stored: full-width and capital letters are the plain ones."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def is_signup_id(folded: str) -> bool:
    """Whether anyone can have this id."""
    return SIGNUP_ID.fullmatch(folded) is not None


class PasswordRule:
    """Refuses what is too short, too long, or guessed first."""

    def __init__(self, m: Machines) -> None:
        lines = KNOWN_PASSWORDS.read_text(encoding="utf-8").splitlines()
        self._known = frozenset(line for line in lines if not line.startswith("#"))
        self._shop_words = (m.settings.shop_name.casefold(), *SHOP_WORDS)

    def judge(self, password: str, *own_words: str) -> str:
        """Return what is wrong with a new password, or ''."""
        if len(password) > MOST_TYPED:
            return _("비밀번호는 %(most)s자까지 입력할 수 있습니다.", most=format(MOST, ","))
        text = unicodedata.normalize("NFKC", password)
        if len(text) > MOST:
            return _(
                "비밀번호는 %(most)s자까지 입력할 수 있습니다. 지금은 %(length)s자입니다.",
                most=format(MOST, ","),
                length=format(len(text), ","),
            )
        if len(text) < LEAST:
            return _(
                "비밀번호는 %(least)s자 이상으로 입력해 주십시오. 지금은 %(length)s자입니다.",
                least=LEAST,
                length=len(text),
            )
        if text.casefold() in self._known or _is_run(text):
            return _("누구나 짐작하기 쉬운 비밀번호입니다. 다른 비밀번호를 입력해 주십시오.")
        if _is_built_from(text.casefold(), (*own_words, *self._shop_words)):
            return _("아이디나 전화번호, 상점 이름으로 만든 비밀번호는 쓸 수 없습니다.")
        return ""


def _is_run(text: str) -> bool:
    """Whether every character is the one before, or its neighbour in one direction: aaaa, 1234, dcba."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return len(steps) == 1 and steps <= {-1, 0, 1}


def _is_built_from(text: str, words: tuple[str, ...]) -> bool:
    rest = text
    for word in words:
        if word:
            rest = rest.replace(word, "")
    return rest != text and len(rest) < LEAST_OF_ONES_OWN
