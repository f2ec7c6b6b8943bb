"""The comparison of two checkouts: what it measures, and how it judges."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks.__main__ import make_parser
from benchmarks.beside import Comparison, Row, Timing, python_of, run
from benchmarks.in_process import Message, measure
from benchmarks.load import HttpRequest


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answers with the query string and the body, in two parts."""
    message = await receive()
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": scope["query_string"], "more_body": True})
    await send({"type": "http.response.body", "body": message["body"]})
    assert (await receive())["type"] == "http.disconnect"


async def test_a_request_is_sent_without_sockets() -> None:
    request = {"method": "POST", "path": "/a%20b?c=d", "headers": {"X-Id": "1"}, "body": "é", "count": 3}
    answer = await measure(echo, request, {})
    assert (answer["status"], answer["body"]) == (201, "c=dé")
    assert answer["microseconds"] > 0


def test_a_disturbed_round_does_not_make_a_row_slower() -> None:
    timing = Timing(this=[100, 101, 102, 500], other=[100, 100, 100, 100])
    assert timing.ratio < 1.05


def test_a_row_over_the_limit_is_marked() -> None:
    row = Row("v1", "count", HttpRequest(path="/"))
    assert "SLOWER" in Comparison(row, row, Timing(this=[110], other=[100])).describe(1.05)
    assert "SLOWER" not in Comparison(row, row, Timing(this=[104], other=[100])).describe(1.05)


def test_a_folder_without_the_service_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is not a checkout of Clientele"):
        run(make_parser().parse_args(["--beside", str(tmp_path)]))


def test_a_checkout_runs_with_its_own_python(tmp_path: Path) -> None:
    own = tmp_path / ".venv" / "bin" / "python"
    assert python_of(tmp_path) != str(own)
    own.parent.mkdir(parents=True)
    own.touch()
    assert python_of(tmp_path) == str(own)
