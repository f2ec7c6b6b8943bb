"""The comparisons with the bare handler, with peers and with another checkout: what they measure, and how they judge."""

import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.__main__ import make_parser
from benchmarks.beside import Comparison, Row, Timing, python_of, run
from benchmarks.cases import TARGETS, make_all_cases
from benchmarks.in_process import Message, measure
from benchmarks.layers import LAYERS, Layer, describe, make_requests
from benchmarks.load import HttpRequest, Load, send_load
from benchmarks.meters import children_of, cpu_seconds, memory_of
from benchmarks.report import Memory, Report, RowFigures
from benchmarks.transfer import Cost, make_targets


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


def test_every_target_belongs_to_a_row() -> None:
    cases = make_all_cases("token", "1")
    assert {(case.name, case.api) for case in cases if case.least} == {
        (name, api) for name, targets in TARGETS.items() for api in targets
    }


ROW = RowFigures(
    name="count",
    api="v1",
    least=2.0,
    loads=[Load(300, 300.0, 1.0, 2.0)] * 3,
    bare=[Load(100, 100.0, 1.0, 2.0), Load(150, 150.0, 1.0, 2.0), Load(900, 900.0, 1.0, 2.0)],
    peer=[],
    service_cpu=[100.0] * 3,
    postgres_cpu=[50.0] * 3,
)


def make_report(*rows: RowFigures, memory: float = 100.0) -> Report:
    return Report(
        options=make_parser().parse_args(["--rows", "10", "--rounds", "3"]),
        versions=[],
        rows=rows,
        memory=Memory(90.0, 95.0, memory),
    )


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert ROW.ratio == 2.0


def test_a_report_whose_targets_are_reached_passes() -> None:
    report = make_report(ROW)
    assert not report.is_short
    assert "All targets pass." in report.render()
    assert "| count, v1: by the bare handler" in report.render()


@pytest.mark.parametrize(
    "report",
    [
        make_report(replace(ROW, least=2.01)),
        make_report(replace(ROW, loads=[Load(300, 300.0, 1.0, 3.1)] * 3)),
        make_report(replace(ROW, name="one client", peer=[Load(300, 300.0, 1.0, 2.0)] * 3)),
        make_report(ROW, memory=201.0),
    ],
    ids=["bare handler", "spread", "peer", "memory"],
)
def test_a_report_with_a_missed_target_is_short(report: Report) -> None:
    assert report.is_short
    assert "1 of " in report.render()
    assert "short |" in report.render()


class Answer(BaseHTTPRequestHandler):
    """Answers a POST with its body, and a GET with an error."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._send(200, self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._send(404, b"absent")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(params=["wrk", "python"])
def sender(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "wrk" and load.WRK is None:
        pytest.skip("wrk is not installed")
    if request.param == "python":
        monkeypatch.setattr(load, "WRK", None)


@pytest.mark.usefixtures("sender")
def test_a_load_has_responses_and_percentiles(port: int) -> None:
    request = HttpRequest(path="/a", method="POST", headers={"X-Quote": 'a"b'}, body=b'{"query": "{ a(b: \\"c\\") }"}')
    measured = send_load(port, request, 0.2, 2)
    assert measured.responses > 0
    assert measured.rate > 0
    assert 0 < measured.p50 <= measured.p99


@pytest.mark.usefixtures("sender")
def test_a_load_with_errors_is_rejected(port: int) -> None:
    with pytest.raises(RuntimeError):
        send_load(port, HttpRequest(path="/a"), 0.2, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_processes_are_measured() -> None:
    program = "import sys, time\nwhile time.process_time() < 0.05: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in children_of(os.getpid())
        assert cpu_seconds(process.pid) >= 0.05
        now, most = memory_of(process.pid)
        assert 0 < now <= most
        process.communicate()
    assert cpu_seconds(process.pid) == 0.0


def test_the_cost_of_a_layer_is_the_difference_of_two_requests() -> None:
    layers = [Layer("first", "a"), Layer("second", "b", "a"), Layer("each row", "c", "b", 100)]
    costs = {"a": 30.0, "b": 50.0, "c": 250.0}
    assert describe(costs, layers) == [["first", "30.0", "30"], ["second", "20.0", "50"], ["each row", "2.0", "250"]]


def test_every_layer_belongs_to_requests() -> None:
    requests = make_requests("token")
    assert {name for layer in LAYERS for name in (layer.request, layer.without) if name} <= set(requests)


def test_an_import_is_judged_only_beside_another_checkout() -> None:
    fast, slow = ({"import": Cost([seconds] * 3), "export": Cost([0.00001] * 3)} for seconds in (0.0001, 0.00014))
    assert [target.verdict for target in make_targets([fast])] == ["pass"]
    assert [target.verdict for target in make_targets([fast, slow])] == ["pass", "pass"]
    assert [target.verdict for target in make_targets([slow, fast])] == ["pass", "short"]
