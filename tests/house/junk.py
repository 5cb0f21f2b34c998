"""What no form of ours sends, and what a shopper's odd keyboard does."""

import unicodedata
from urllib.parse import quote

LONG = "가" * 10_000
TEN_MEGABYTES = b"x" * 10_000_000

# Percent-encoded, because some of them are no text at all.
VALUES = {
    "empty": "",
    "long": "a" * 10_000,
    "long Hangul": quote(LONG[:5_000]),  # 45 kB as it travels: what is longer still is refused unread
    "wrong type": "true",
    "NFD Hangul": quote(unicodedata.normalize("NFD", "달빛 머그")),
    "negative": "-1",
    "zero": "0",
    "exponent": "1e9",
    "fraction": "1.5",
    "Arabic digit": quote("٣"),
    "full-width digit": quote("１"),
    "NaN": "NaN",
    "beyond BIGINT": "9" * 40,
    "more digits than Python reads": "9" * 5_000,
    "null byte": "a%00b",
    "line break": "a%0D%0AX-Injected:%201",
    "emoji": quote("👩‍👩‍👧‍👦🏺"),
    "right to left": quote("\u202eمرحبا\u202c"),
    "lone surrogate": "%ED%A0%80",
    "invalid UTF-8": "%FF%FE%C3",
    "markup": quote("<script>alert(1)</script>\"'"),
    "template": quote("{{ 7 * 7 }}{% include 'x' %}"),
    "SQL": quote("' OR 1=1 -- \\"),
    "path": quote("../../etc/passwd", safe=""),
    "bad percent": "%zz%",
}
