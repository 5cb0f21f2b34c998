"""What a browser is called, from what it says of itself; pure."""

from app.core.languages import _, marked

# The first that fits: Edge and Samsung's browser also call themselves Chrome, and Chrome calls itself Safari.
BROWSERS = (
    ("KAKAOTALK", marked("카카오톡")),
    ("NAVER(", marked("네이버 앱")),
    ("Whale/", marked("웨일")),
    ("Edg", marked("엣지")),
    ("OPR/", marked("오페라")),
    ("SamsungBrowser/", marked("삼성 인터넷")),
    ("Firefox/", marked("파이어폭스")),
    ("FxiOS/", marked("파이어폭스")),
    ("CriOS/", marked("크롬")),
    ("Chrome/", marked("크롬")),
    ("Safari/", marked("사파리")),
)
SYSTEMS = (
    ("iPhone", marked("아이폰")),
    ("iPad", marked("아이패드")),
    ("Android", marked("안드로이드")),
    ("Windows", marked("윈도우")),
    ("Mac OS X", marked("맥")),
    ("Linux", marked("리눅스")),
)


def name_browser(user_agent: str) -> str:
    """Return ``크롬 · 안드로이드``, or as much of it as can be told."""
    found = [_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)]
    return " · ".join(_(name) for name in found if name) or _("알 수 없는 브라우저")


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
