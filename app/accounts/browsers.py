"""What a browser is called, from what it says of itself; pure."""

# The first that fits: Edge and Samsung's browser also call themselves Chrome, and Chrome calls itself Safari.
BROWSERS = (
    ("KAKAOTALK", "카카오톡"),
    ("NAVER(", "네이버 앱"),
    ("Whale/", "웨일"),
    ("Edg", "엣지"),
    ("OPR/", "오페라"),
    ("SamsungBrowser/", "삼성 인터넷"),
    ("Firefox/", "파이어폭스"),
    ("FxiOS/", "파이어폭스"),
    ("CriOS/", "크롬"),
    ("Chrome/", "크롬"),
    ("Safari/", "사파리"),
)
SYSTEMS = (
    ("iPhone", "아이폰"),
    ("iPad", "아이패드"),
    ("Android", "안드로이드"),
    ("Windows", "윈도우"),
    ("Mac OS X", "맥"),
    ("Linux", "리눅스"),
)


def name_browser(user_agent: str) -> str:
    """Return ``크롬 · 안드로이드``, or as much of it as can be told."""
    found = [_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)]
    return " · ".join(name for name in found if name) or "알 수 없는 브라우저"


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
