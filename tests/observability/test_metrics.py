"""The metrics of a real service with two workers, and the documents, rules and dashboard that name metrics."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from app.config import Config
from app.errors import Misconfigured
from app.observability.figures import Figures
from app.observability.metrics import OTHER, Metrics, RequestMetrics
from app.observability.sampler import PoolFigures, Sampler, Sources
from app.observability.totals import REJECTED
from app.server.metrics import serving_metrics
from tests.conftest import Service
from tests.test_cli import children, serving

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\bclientele_[a-z_]+\b")
TIMEOUT = 60.0


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return str(opened.getsockname()[1])


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(port: str) -> Samples:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of a metric that have these labels."""
    return sum(
        number for (found, pairs), number in samples.items() if found == name and labels.items() <= dict(pairs).items()
    )


async def wait_for(port: str, name: str, expected: float, **labels: str) -> Samples:
    """The samples once a metric has a value; the samplers need up to a second."""
    return await wait_until(port, lambda samples: value(samples, name, **labels) == expected)


async def wait_until(port: str, holds: Callable[[Samples], bool]) -> Samples:
    """The samples once something holds for them."""
    async with asyncio.timeout(TIMEOUT):
        while not holds(samples := await scrape(port)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return samples


async def test_two_workers_have_one_endpoint(service: Service, tmp_path: Path) -> None:
    port = free_port()
    trusted = tmp_path / "trusted.json"
    trusted.write_text(json.dumps({"1": "query Trusted { clients { totalCount } }"}))
    settings = {
        "DATABASE_URL": service.config.database_url or "",
        "CLIENTELE_DATA_DIR": str(tmp_path),
        "CLIENTELE_METRICS_PORT": port,
        "CLIENTELE_DOCUMENTS": str(trusted),
        "CLIENTELE_SOURCE_REQUESTS": "5",
    }
    async with serving("--workers", "2", **settings) as served:
        await wait_for(port, "clientele_workers", 2)
        for _ in range(20):  # new connections, so that both workers get some
            async with httpx.AsyncClient(
                base_url=served.address, headers={"Authorization": f"Bearer {service.token}"}
            ) as http:
                assert (await http.get("/customers")).status_code == 200
                assert (await http.get("/customers/cust_none")).status_code == 404
                await http.get("/v1/clients/none/of/these")
                await http.post("/graphql", json={"query": "query Mine { clients { nodes { name } } }"})
                await http.post("/graphql", json={"documentId": "1"})
        async with httpx.AsyncClient(base_url=served.address) as nobody:
            statuses = [(await nobody.get("/customers")).status_code for _ in range(60)]
        rejected = statuses.count(429)
        assert rejected
        samples = await wait_for(port, "clientele_rejections_total", rejected, limit="source-requests")
        requests = "clientele_requests_total"
        assert value(samples, requests, api="customers", operation="GET /customers", status="200") == 20
        assert value(samples, requests, api="customers", operation="GET /customers/{id}", status="404") == 20
        assert value(samples, requests, api="v1", operation=OTHER, status="404") == 20
        assert value(samples, requests, api="graphql", operation="query Trusted") == 20
        assert value(samples, requests, api="graphql", operation=OTHER) == 20
        assert value(samples, "clientele_request_duration_seconds_count", api="graphql") == 40
        assert value(samples, "clientele_sql_seconds_total", operation="GET /customers") > 0
        assert value(samples, "clientele_pool_size") == 2 * Config().pool_size
        await wait_until(port, lambda samples: value(samples, "clientele_cache_uses_total", cache="documents") >= 40)
        await wait_until(
            port, lambda samples: value(samples, "clientele_graphql_selections_total", path="rendered") >= 1
        )
        assert value(samples, "clientele_cache_uses_total", cache="tokens", result="hit") > 0
        assert value(samples, "clientele_event_loop_lag_seconds_count") > 0
        assert value(samples, "clientele_process_cpu_seconds_total") > 0
        assert {dict(labels)["api"] for name, labels in samples if name == requests} <= {
            "customers",
            "v1",
            "graphql",
            "health",
        }
        await lose_a_worker(served.process.pid)
        samples = await wait_for(port, "clientele_workers", 2)
        assert value(samples, requests, api="customers", operation="GET /customers", status="200") == 20


async def lose_a_worker(parent: int) -> None:
    """Kills one worker, and waits until another one has taken its place."""
    workers = [pid for pid in children(parent) if "spawn_main" in read_command(pid)]
    os.kill(workers[0], signal.SIGKILL)
    async with asyncio.timeout(TIMEOUT):
        while len(set(children(parent)) - set(workers)) < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def read_command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")


async def test_one_process_has_metrics_too_and_a_subscription_shows_in_them(service: Service, tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "DATABASE_URL": service.config.database_url or "",
        "CLIENTELE_DATA_DIR": str(tmp_path),
        "CLIENTELE_METRICS_PORT": port,
    }
    await service.http.post("/customers", json={"name": "Ana", "email": "ana@studio.example"})
    headers = {"Authorization": f"Bearer {service.token}", "Accept": "text/event-stream"}
    document = {"query": "subscription { clientChanges { action } }"}
    async with serving(**settings) as served, httpx.AsyncClient(base_url=served.address, headers=headers) as http:
        async with http.stream("POST", "/graphql", json=document) as stream:
            assert stream.status_code == 200
            samples = await wait_for(port, "clientele_followers", 1)
            assert value(samples, "clientele_open", kind="streams") == 1
            assert value(samples, "clientele_open", kind="subscriptions") == 1
        samples = await wait_for(port, "clientele_followers", 0)
        assert value(samples, "clientele_outbox_messages") == 0
        assert value(samples, "clientele_workers") == 1


def test_metrics_without_their_library_are_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(Misconfigured, match=r"clientele-server\[metrics\]"), serving_metrics(Config(metrics_port=9000)):
        pass


def test_a_port_of_metrics_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config(metrics_port=taken.getsockname()[1])
        with pytest.raises(Misconfigured, match="CLIENTELE_METRICS_PORT"), serving_metrics(config):
            pass
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_names_of_callers_never_become_labels() -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for number in range(1000):
        figures = Figures()
        figures.api, figures.operation, figures.status = "graphql", f"query Name{number}", 200
        metrics.note(figures, 0.01)
    assert (
        registry.get_sample_value("clientele_requests_total", {"api": "graphql", "operation": OTHER, "status": "200"})
        == 1000
    )
    assert len(metrics._series) == 1


def test_a_stream_is_counted_but_has_no_duration() -> None:
    registry = CollectorRegistry()
    figures = Figures()
    figures.streams = True
    RequestMetrics(registry).note(figures, 3600.0)
    labels = {"api": "none", "operation": OTHER}
    assert registry.get_sample_value("clientele_requests_total", labels | {"status": "0"}) == 1
    assert registry.get_sample_value("clientele_request_duration_seconds_count", labels) == 0


async def test_totals_are_added_once() -> None:
    async def measure() -> tuple[int, float]:
        return 3, 12.5

    async def measure_webhooks() -> tuple[int, float, int]:
        return 4, 0.5, 1

    registry = CollectorRegistry()
    sources = Sources(
        lambda: PoolFigures(8, 2, 1, 4), lambda: 5, lambda: 6.5, measure, measure_webhooks, {"rendered": 7}
    )
    sampler = Sampler(Metrics(registry).process, sources)
    REJECTED["a-test"] += 2
    sampler.sample()
    sampler.sample()
    REJECTED["a-test"] += 1
    sampler.sample()
    assert registry.get_sample_value("clientele_rejections_total", {"limit": "a-test"}) == 3
    assert registry.get_sample_value("clientele_pool_connections", {"state": "in_use"}) == 2
    assert registry.get_sample_value("clientele_followers") == 5
    assert registry.get_sample_value("clientele_graphql_selections_total", {"path": "rendered"}) == 7


def all_metrics() -> set[str]:
    """The names of all metrics, without the endings of the parts of a histogram."""
    registry = CollectorRegistry()
    Metrics(registry)
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}


def named(text: str) -> set[str]:
    return {re.sub("_(bucket|count|sum)$", "", name) for name in NAME.findall(text)}


def expressions(content: Any) -> Iterator[str]:
    """Every PromQL expression of a dashboard or of a file of rules."""
    if isinstance(content, dict):
        for name, inner in content.items():
            if name == "expr":
                yield inner
            else:
                yield from expressions(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from expressions(inner)


def test_every_metric_is_documented() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("### Metrics")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(clientele_[a-z_]+)`", table)) == all_metrics()


def test_the_rules_name_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "clientele.yaml").read_text(encoding="utf-8"))["groups"]
    assert len(group["rules"]) > 5
    for rule in group["rules"]:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert named(rule["expr"]) <= all_metrics(), rule["alert"]
        assert named(rule["expr"]) or "up{" in rule["expr"]


def test_the_table_of_incidents_names_every_alert() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").partition("## Incidents")[2]
    rules = (ROOT / "deploy" / "prometheus" / "clientele.yaml").read_text(encoding="utf-8")
    alerts = re.findall(r"alert: (\w+)", rules)
    assert [alert for alert in alerts if f"`{alert}`" not in page] == []


def test_the_dashboard_shows_every_metric() -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "clientele.json").read_text(encoding="utf-8"))
    asked = list(expressions(dashboard))
    assert named("\n".join(asked)) == all_metrics()
    assert all(text.count("(") == text.count(")") for text in asked)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
