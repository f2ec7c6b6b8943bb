"""The quick reading of usual values gives what the whole reading gives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.clients.faces import CUSTOMER, TRANSFER, V1
from app.clients.record import CUSTOMER_RULES, V1_RULES
from app.clients.transfer.record import RULES
from app.errors import Invalid, Malformed
from app.query.face import Face
from app.query.values import find_problem, is_plain, parse_moment, read_shown_moment
from app.records import bodies
from app.records.bodies import Rules, read_body

TEXTS = (
    "", " ", "Ana", " Ana ", "\u200bAna", "Ana\u3164", "Špela", "東京", "Ана", "a\x00b", "š\x00", "\x01", "\ud800", "š\ud800",
    "e" + "\u0301" * 31, "e" + "\u0301" * 30, "\u02ff", "x" * 10_000, "x" * 10_001, "š" * 10_000, "š" * 10_001, "true", "1",
)  # fmt: skip
MOMENTS = (
    "2026-04-20T10:10:30.000Z", "2026-04-20T10:10:30.999Z", "2026-02-30T10:10:30.000Z", "2026-04-20T24:00:00.000Z",
    "2026-04-20T24:00:00.001Z", "2026-04-20T23:59:60.000Z", "0000-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z",
    "9999-12-31T24:00:00.000Z", "2026-04-20 10:10:30.000Z", "2026-04-20t10:10:30.000z", "2026-04-20T10:10:30.0001Z",
    "2026-04-20T10:10:30,000Z", "2026-04-20", "２０２６-04-20T10:10:30.000Z", " 2026-04-20T10:10:30.000Z",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, 0, 1, 2, 1.5, 10**30, float("inf"), [], {}, ["a"], {"a": "b"})


def read(face: Face, rules: Rules, body: dict[str, Any]) -> object:
    """The values of a body, or the problems."""
    try:
        return read_body(face, body, rules, "update")
    except (Invalid, Malformed) as error:
        return type(error), str(error), getattr(error, "problems", None)


@pytest.mark.parametrize(("face", "rules"), [(V1, V1_RULES), (CUSTOMER, CUSTOMER_RULES), (TRANSFER, RULES)])
def test_every_field_has_the_same_value_or_problem(face: Face, rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    values = (*TEXTS, *MOMENTS, *OTHERS)
    cases: list[dict[str, Any]] = [{name: value} for name in face.fields for value in values]
    quick = [read(face, rules, body) for body in cases]
    bodies._plan_reading.cache_clear()
    monkeypatch.setattr(bodies, "PLAIN_READERS", {})
    whole = [read(face, rules, body) for body in cases]
    bodies._plan_reading.cache_clear()
    assert quick == whole


def test_a_plain_text_has_no_problem() -> None:
    assert [text for text in TEXTS if is_plain(text) and (find_problem(text) or len(text) > 10_000)] == []
    assert is_plain("Špela Kos, Čopova 3")
    assert not is_plain("a\x00b")


def test_a_shown_moment_is_the_same_moment() -> None:
    read_quickly = {text: moment for text in MOMENTS if (moment := read_shown_moment(text)) is not None}
    assert read_quickly == {text: parse_moment(text) for text in read_quickly}
    assert read_quickly[MOMENTS[1]] == datetime(2026, 4, 20, 10, 10, 30, 999_000, tzinfo=UTC)
