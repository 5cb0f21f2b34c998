"""Korean names of the card companies and banks behind Toss's two-character codes."""

from app.core.languages import find, marked

_CARDS = {
    "3K": marked("기업비씨"),
    "46": marked("광주은행"),
    "71": marked("롯데카드"),
    "30": marked("한국산업은행"),
    "31": marked("비씨카드"),
    "51": marked("삼성카드"),
    "38": marked("새마을금고"),
    "41": marked("신한카드"),
    "62": marked("신협"),
    "36": marked("씨티카드"),
    "33": marked("우리비씨카드"),
    "W1": marked("우리카드"),
    "37": marked("우체국"),
    "39": marked("저축은행"),
    "35": marked("전북은행"),
    "42": marked("제주은행"),
    "15": marked("카카오뱅크"),
    "3A": marked("케이뱅크"),
    "24": marked("토스뱅크"),
    "21": marked("하나카드"),
    "61": marked("현대카드"),
    "11": marked("국민카드"),
    "91": marked("농협카드"),
    "34": marked("수협은행"),
    "6D": marked("다이너스"),
    "4M": marked("마스터"),
    "3C": marked("유니온페이"),
    "7A": marked("아메리칸 익스프레스"),
    "4J": "JCB",
    "4V": marked("비자"),
}
BANKS = {
    "39": marked("경남은행"),
    "34": marked("광주은행"),
    "12": marked("단위농협"),
    "32": marked("부산은행"),
    "45": marked("새마을금고"),
    "64": marked("산림조합"),
    "88": marked("신한은행"),
    "48": marked("신협"),
    "27": marked("씨티은행"),
    "20": marked("우리은행"),
    "71": marked("우체국"),
    "50": marked("저축은행"),
    "37": marked("전북은행"),
    "35": marked("제주은행"),
    "90": marked("카카오뱅크"),
    "92": marked("토스뱅크"),
    "81": marked("하나은행"),
    "54": marked("HSBC은행"),
    "03": marked("기업은행"),
    "06": marked("국민은행"),
    "31": marked("iM뱅크"),
    "02": marked("산업은행"),
    "11": marked("농협은행"),
    "23": marked("SC제일은행"),
    "07": marked("수협은행"),
}


def card_name(code: str | None) -> str:
    """Return the card company's name; nothing for a code we do not know."""
    return find(_CARDS.get(code or "", ""))


def bank_name(code: str | None) -> str:
    """Return the bank's name; nothing for a code we do not know."""
    return find(BANKS.get(code or "", ""))
