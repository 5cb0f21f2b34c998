"""Reads forms: one value per name, NFC, bounded; what is wrong is said beside the field."""

import re
import unicodedata
from dataclasses import dataclass, field

from quart import request
from werkzeug.datastructures import MultiDict

from app.core import languages
from app.core.languages import _

LONGEST_SYLLABLE = 3  # a Hangul syllable is at most three letters before NFC makes it one
# They turn what follows around, unseen, to the end of the line: text of ours too, and what an operator reads.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LOST = "\ufffd"  # stands where bytes came that are no UTF-8
WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}", re.ASCII)
POSTCODE = re.compile(r"[0-9]{5}", re.ASCII)
PHONE = re.compile(r"0[0-9]{8,10}", re.ASCII)


@dataclass(slots=True)
class Fields:
    """A form as it was sent, and the sentences about what is wrong with it."""

    sent: MultiDict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, label: str, *, most: int, required: bool = True) -> str:
        """Return a line of text, NFC and trimmed; a missing, doubled, long or unprintable one is an error."""
        values = self.sent.getlist(name)
        sent = values[0] if values else ""
        # Normalising takes time that grows with the square of the length: what is far too long stays.
        value = (unicodedata.normalize("NFC", sent) if len(sent) <= most * LONGEST_SYLLABLE else sent).strip()
        if len(values) > 1:
            self.fail(name, _("%(label)s 값이 여러 개 왔습니다. 하나만 입력해 주십시오.", label=label))
        elif required and not value:
            self.fail(name, _("%(label)s 입력해 주십시오.", label=with_object(label)))
        elif len(value) > most:
            self.fail(
                name,
                _(
                    "%(label)s %(most)s자까지 입력할 수 있습니다. 지금은 %(length)s자입니다.",
                    label=with_topic(label),
                    most=most,
                    length=len(value),
                ),
            )
        elif any(_is_unprintable(char) for char in value):
            self.fail(name, _("%(label)s에 쓸 수 없는 문자가 있습니다.", label=label))
        return value

    def whole(self, name: str, label: str, *, least: int, most: int) -> int:
        """Return a whole number in ASCII digits; anything else is an error and reads as ``least``."""
        value = self.text(name, label, most=32)
        if name in self.errors:
            return least
        if not WHOLE.fullmatch(value) or not least <= int(value) <= most:
            self.fail(
                name,
                _(
                    "%(label)s %(least)s에서 %(most)s 사이의 숫자로 입력해 주십시오.",
                    label=with_topic(label),
                    least=least,
                    most=format(most, ","),
                ),
            )
            return least
        return int(value)

    def phone(self, name: str, label: str) -> str:
        """Return a Korean telephone number as digits only; hyphens and spaces are welcome."""
        value = self.text(name, label, most=20)
        digits = re.sub(r"[\s-]", "", value)
        if name not in self.errors and not PHONE.fullmatch(digits):
            self.fail(
                name, _("%(label)s 010-1234-5678처럼 숫자로 입력해 주십시오.", label=with_object(label))
            )
        return digits

    def postcode(self, name: str, label: str) -> str:
        """Return a Korean postcode of five digits."""
        value = self.text(name, label, most=5)
        if name not in self.errors and not POSTCODE.fullmatch(value):
            self.fail(name, _("%(label)s 숫자 5자리로 입력해 주십시오.", label=with_object(label)))
        return value

    def address(self) -> dict[str, str]:
        """Return who gets a parcel, and where: five fields, in the order of the form."""
        return {
            "recipient_name": self.text("recipient_name", _("받는 분"), most=40),
            "recipient_phone": self.phone("recipient_phone", _("휴대전화")),
            "postcode": self.postcode("postcode", _("우편번호")),
            "address1": self.text("address1", _("주소"), most=120),
            "address2": self.text("address2", _("상세 주소"), most=80, required=False),
        }

    def email(self, name: str, label: str) -> str:
        """Return an e-mail address in small letters; one that no mail server would take is an error."""
        value = self.text(name, label, most=200).lower()
        if name not in self.errors and not EMAIL.fullmatch(value):
            self.fail(name, _("%(label)s name@example.com처럼 입력해 주십시오.", label=with_object(label)))
        return value

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.sent.get(name) == "1"

    def fail(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first sentence stands."""
        self.errors.setdefault(name, languages.find(sentence))


async def read_fields() -> Fields:
    """Read the request's form."""
    return Fields(await request.form)


def with_object(word: str) -> str:
    """Return the word with the object particle that fits its last syllable, in Korean."""
    if languages.spoken() != languages.SOURCE:
        return word
    return word + ("을" if _ends_in_consonant(word) else "를")


def with_topic(word: str) -> str:
    """Return the word with the topic particle that fits its last syllable, in Korean."""
    if languages.spoken() != languages.SOURCE:
        return word
    return word + ("은" if _ends_in_consonant(word) else "는")


def _is_unprintable(char: str) -> bool:
    return char == LOST or char in TURNING or unicodedata.category(char) in {"Cc", "Cs", "Co"}


def _ends_in_consonant(word: str) -> bool:
    last = ord(word[-1])
    return 0xAC00 <= last <= 0xD7A3 and (last - 0xAC00) % 28 != 0  # noqa: PLR2004 - the Hangul syllables
