"""Reports of violations: counted by names of ours, whatever is sent."""

import json

import pytest
from prometheus_client import REGISTRY

from app.main import create_app
from app.ops.violations import DIRECTIVES, MOST_REPORTS, Violation, read
from app.settings import Settings

PAGE = "https://shop.example/orders/20261127-AAAAAAA/payment?x=1"
OLD = {"csp-report": {"document-uri": PAGE, "violated-directive": "script-src 'self'", "blocked-uri": "x"}}
NEW = {
    "type": "csp-violation",
    "body": {"documentURL": "https://shop.example/", "effectiveDirective": "img-src"},
}


def test_both_shapes_are_read() -> None:
    assert list(read(json.dumps(OLD).encode())) == [Violation("script-src", "payment")]
    assert list(read(json.dumps([NEW, {"type": "deprecation", "body": {}}]).encode())) == [
        Violation("img-src", "other")
    ]


def test_a_sender_cannot_make_counters() -> None:
    report = {
        "csp-report": {"document-uri": "/orders/a/b/payment", "effective-directive": "minji@example.com"}
    }
    assert list(read(json.dumps(report).encode())) == [Violation("other", "other")]
    assert len(list(read(json.dumps([NEW] * 1000).encode()))) == MOST_REPORTS
    assert {Violation(name, "other").directive for name in DIRECTIVES} == DIRECTIVES


GARBAGE = [
    b"", b"{", b"null", b"1", b'"x"', b"[]", b"[1, null, []]", b"\xff\xfe", b"[" * 50_000, b"csrf=x&a=b",
    b'{"csp-report": []}',
    b'{"csp-report": {"effective-directive": {"a": 1}, "document-uri": 7}}',
    b'{"csp-report": {"document-uri": "http://[", "effective-directive": ""}}',
    b'{"type": "csp-violation", "body": 1}',
]  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_answered_and_forgotten(body: bytes) -> None:
    client = create_app(Settings(secret_key="k", password_pepper="p")).test_client()
    for kind in ("application/csp-report", "application/reports+json", "text/plain", "multipart/form-data"):
        answer = await client.post("/csp-reports", data=body, headers={"Content-Type": kind})
        assert answer.status_code == 204
        assert await answer.get_data() == b""


async def test_a_report_is_counted_and_says_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    client = create_app(Settings(secret_key="k", password_pepper="p")).test_client()
    labels = {"directive": "script-src", "page": "payment"}
    before = REGISTRY.get_sample_value("madang_policy_violations_total", labels) or 0
    with caplog.at_level("DEBUG"):
        answer = await client.post("/csp-reports", data=json.dumps(OLD).encode())
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert REGISTRY.get_sample_value("madang_policy_violations_total", labels) == before + 1
    assert "20261127" not in caplog.text


async def test_more_than_a_form_is_refused() -> None:
    client = create_app(Settings(secret_key="k", password_pepper="p")).test_client()
    body = b"x" * 10_000_000
    for headers in ({}, {"Content-Length": str(len(body))}):
        assert (await client.post("/csp-reports", data=body, headers=headers)).status_code == 413
