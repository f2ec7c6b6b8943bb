"""promtool, Prometheus's own checker, reads the alert rules and every expression of the dashboard.

It is taken from Debian's package without installing that, which would start a Prometheus. Run by .ci/run.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.observability.test_metrics import ROOT, expressions


def find_promtool(folder: Path) -> str:
    """The program in PATH, or else from the package."""
    installed = shutil.which("promtool")
    if installed is not None:
        return installed
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "download", "-qq", "prometheus"], cwd=folder, check=True)
    (package,) = folder.glob("prometheus_*.deb")
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    return str(folder / "usr" / "bin" / "promtool")


def write_rules(folder: Path) -> Path:
    """A file of rules with the expressions of the dashboard. Grafana replaces its variable before it asks."""
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "clientele.json").read_text(encoding="utf-8"))
    rules = [
        {"record": f"clientele:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions(dashboard))
    ]
    path = folder / "dashboard.json"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        rules = ROOT / "deploy" / "prometheus" / "clientele.yaml"
        subprocess.run([find_promtool(folder), "check", "rules", rules, write_rules(folder)], check=True)


if __name__ == "__main__":
    main()
