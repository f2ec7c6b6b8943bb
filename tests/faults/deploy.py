"""Checks the files of deploy/: deploy.py. It needs Caddy, HAProxy and systemd-analyze.

The compose file follows the schema of the compose specification, the manifests those of Kubernetes, and systemd accepts the
unit. Names, ports and settings agree with each other and with the service. Caddy serves two services with the Caddyfile.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from app.config import Config
from app.version import VERSION
from tests.faults.processes import Service, await_true, free_port, make_tenant, open_folder, postgres, services

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent
SMOKE = ROOT / "tests" / "faults" / "smoke.py"
WITHOUT_SCHEMA = {"kustomization.yaml", "service-monitor.yaml"}
EXPOSURE = "20"
"""The highest exposure that `systemd-analyze security` may find, in tenths, of 100."""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def read_settings(variables: Mapping[str, Any], folder: Path) -> Config:
    """Reads the variables as the service does. Raises AssertionError for an unknown one, and Misconfigured for a wrong value."""
    known = {declared.metadata["name"] for declared in Config.__dataclass_fields__.values()}
    secret = folder / "secret"
    secret.write_text("postgresql://user:password@host/database")
    environment = {name: str(secret) if name.endswith("_FILE") else str(value) for name, value in variables.items()}
    unknown = {name.removesuffix("_FILE") for name in environment} - known
    assert not unknown, f"the service has no setting {unknown}"
    return Config.from_environment(environment)


def check_compose(folder: Path) -> None:
    file = DEPLOY / "compose.yaml"
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    compose = yaml.safe_load(file.read_text())
    for name, service in compose["services"].items():
        if service["image"].startswith("clientele:"):
            assert service["image"] == f"clientele:{VERSION}", name
            variables = {
                key: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value) for key, value in service["environment"].items()
            }
            assert read_settings(variables, folder).database_url
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), f"{name} mounts {source}, which is missing"
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
    check_scraping(compose, folder)
    check_times(compose, folder)
    shutil.copy(DEPLOY / "make-secrets", folder)
    run(folder / "make-secrets")
    made = {path: path.read_text() for path in (folder / "secrets").iterdir()}
    assert {Path(secret["file"]).name for secret in compose["secrets"].values()} == {path.name for path in made}
    run(folder / "make-secrets")
    assert {path: path.read_text() for path in made} == made, "make-secrets replaced a secret"


def check_scraping(compose: dict[str, Any], folder: Path) -> None:
    """Prometheus reads the metrics of both services, as the job that the alert rules select."""
    prometheus = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
    ((job, targets),) = (
        (scraped["job_name"], scraped["static_configs"][0]["targets"]) for scraped in prometheus["scrape_configs"]
    )
    rules = "".join(file.read_text() for file in (DEPLOY / "prometheus").glob("*.yaml"))
    assert set(re.findall(r'job="(\w+)"', rules)) == {job}
    services_ = [name for name, service in compose["services"].items() if name.startswith("clientele-")]
    for name in services_:
        config = read_settings(
            {key: text for key, text in compose["services"][name]["environment"].items() if "DOMAIN" not in text},
            folder,
        )
        assert f"{name}:{config.metrics_port}" in targets
        assert config.metrics_host == "0.0.0.0"  # noqa: S104 - inside the network of the containers
    assert len(targets) == len(services_) == 2


def check_times(compose: dict[str, Any], folder: Path) -> None:
    """The proxy closes unused connections before the services do, and notices in time that a service stops."""
    variables = compose["services"]["clientele-1"]["environment"]
    config = read_settings({key: text for key, text in variables.items() if "DOMAIN" not in text}, folder)
    caddy = (DEPLOY / "compose" / "Caddyfile").read_text()
    times = {name: float(text) for name, text in re.findall(r"^\s*(\w+) (\d+)s$", caddy, re.MULTILINE)}
    assert times["keepalive"] < config.keep_alive
    assert times["health_interval"] + times["health_timeout"] < config.drain
    assert float(compose["services"]["clientele-1"]["stop_grace_period"].removesuffix("s")) > config.drain + 10


def check_unit(folder: Path) -> None:
    text = (DEPLOY / "systemd" / "clientele@.service").read_text()
    unit = folder / "clientele@8001.service"
    unit.write_text(text.replace("/opt/clientele/bin/", f"{TOOLS}/"))
    assert run("systemd-analyze", "verify", "--man=no", unit) == ""
    run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    lines = (DEPLOY / "systemd" / "clientele.env").read_text().splitlines()
    set_ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    set_ |= dict(re.findall(r"^Environment=((?:CLIENTELE|DATABASE)_\w+)=(\S+)$", text, re.MULTILINE))
    config = read_settings(set_, folder)
    assert config.database_url
    assert float(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[0]) > config.drain + 10


def read_manifests() -> Iterator[dict[str, Any]]:
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        if file.name not in WITHOUT_SCHEMA:
            run(TOOLS / "kubernetes-validate", "--strict", file)
        yield from yaml.safe_load_all(file.read_text())


def check_manifests(folder: Path) -> None:
    every = list(read_manifests())
    by_kind = {manifest["kind"]: manifest for manifest in every}
    deployment, job = by_kind["Deployment"]["spec"], by_kind["Job"]
    labels = deployment["template"]["metadata"]["labels"]
    (container,) = deployment["template"]["spec"]["containers"]
    (migrations,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == migrations["image"] == f"clientele:{VERSION}"
    assert VERSION in job["metadata"]["name"]
    for selector in (
        deployment["selector"]["matchLabels"],
        by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert not deployment["selector"]["matchLabels"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    assert by_kind["PodDisruptionBudget"]["spec"]["minAvailable"] < deployment["replicas"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    check_ports(every, {port["name"]: port["containerPort"] for port in container["ports"]}, labels)
    check_pod(by_kind, container, folder)


def check_ports(every: list[dict[str, Any]], ports: dict[str, int], labels: dict[str, str]) -> None:
    """Services lead to ports of the pods, and the monitor to a port of a service."""
    reached = [manifest for manifest in every if manifest["kind"] == "Service"]
    for service in reached:
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)
    (monitor,) = (manifest["spec"] for manifest in every if manifest["kind"] == "ServiceMonitor")
    (watched,) = (
        service
        for service in reached
        if monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    assert watched["metadata"]["labels"][monitor["jobLabel"]] == "clientele"
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= {
        port["name"] for port in watched["spec"]["ports"]
    }


def check_pod(by_kind: dict[str, dict[str, Any]], container: dict[str, Any], folder: Path) -> None:
    """The settings are valid, the secrets exist, and a pod has the time to leave the balancer and to end."""
    pod = by_kind["Deployment"]["spec"]["template"]["spec"]
    variables = {pair["name"]: pair["value"] for pair in container["env"]}
    config = read_settings(by_kind["ConfigMap"]["data"] | variables, folder)
    assert {Path(value).name for name, value in variables.items() if name.endswith("_FILE")} == set(
        by_kind["Secret"]["stringData"]
    )
    assert config.metrics_port in {port["containerPort"] for port in container["ports"]}
    probe = container["readinessProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert config.drain > probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    assert pod["terminationGracePeriodSeconds"] > config.drain + 10
    assert by_kind["ConfigMap"]["metadata"]["name"] == container["envFrom"][0]["configMapRef"]["name"]


@contextmanager
def proxied(folder: Path, upstreams: list[Service]) -> Iterator[str]:
    """Runs Caddy with the Caddyfile, on the loopback and with a certificate of its own. Yields its address."""
    secure, plain = free_port(), free_port()
    options = f"{{\n\thttps_port {secure}\n\thttp_port {plain}\n\tdefault_bind 127.0.0.1\n\tadmin off\n"
    file = folder / "Caddyfile"
    file.write_text((DEPLOY / "compose" / "Caddyfile").read_text().replace("{\n", options, 1))
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "caddy"),
        "UPSTREAMS": " ".join(f"127.0.0.1:{service.port}" for service in upstreams),
    }
    log = folder / "caddy.log"
    with log.open("w") as errors:
        caddy = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
        process = subprocess.Popen(caddy, env=environment, stderr=errors)

    def serves() -> bool:
        assert process.poll() is None, log.read_text()
        return "serving initial configuration" in log.read_text()

    try:
        asyncio.run(await_true(serves, 30))
        yield f"https://localhost:{secure}"
    finally:
        process.terminate()
        process.wait(30)


def check_proxy(folder: Path) -> None:
    """Every API works through the proxy, also after one of two services has ended."""
    with postgres(folder / "data") as server:
        tenant = asyncio.run(make_tenant(asyncio.run(server.make_database())))
        settings = {
            "DATABASE_URL": tenant.url,
            "CLIENTELE_TRUSTED_PROXIES": "127.0.0.1",
            "CLIENTELE_ALLOWED_HOSTS": "localhost",
            "CLIENTELE_DRAIN": "6",
        }
        with services(folder, 2, **settings) as running, proxied(folder, running) as address:
            print(run(sys.executable, SMOKE, address, tenant.token, "--proxy").strip(), flush=True)
            running[0].stop()
            print(run(sys.executable, SMOKE, address, tenant.token, "--proxy").strip(), flush=True)


def check_haproxy(folder: Path) -> None:
    """HAProxy accepts the lines of docs/operating.md."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```haproxy\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    file = folder / "haproxy.cfg"
    defaults = "defaults\n    mode http\n    timeout connect 2s\n    timeout client 60s\n    timeout server 60s\n"
    file.write_text(defaults + re.sub(r" ssl crt \S+ alpn \S+", "", lines))
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "haproxy is missing"
    run(program, "-c", "-f", file)


def main() -> None:
    with open_folder("deploy") as folder:
        check_compose(folder)
        check_unit(folder)
        check_manifests(folder)
        check_haproxy(folder)
        check_proxy(folder)
    print("The files of deploy/ are valid, and agree with the service")


if __name__ == "__main__":
    main()
