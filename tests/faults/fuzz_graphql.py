"""Sends the queries and mutations that schemathesis generates from the schema to the GraphQL API of a service with the demo.

schemathesis is installed from tests/conformance/requirements.lock into a temporary environment. Each run sends the same
requests. A run fails for a 5xx response, for a response that violates the schema, for an error without an explanation in
tests/conformance/fuzz_hooks.py, and for too few requests.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.demo_service import ROOT, install_programs, serve_demo

TESTS = ROOT / "tests" / "conformance"
EXAMPLES = 100
"""The number of requests for each field of Query and of Mutation."""
MOST_SECONDS = 240


def fuzz(programs: Path, environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Runs schemathesis. Returns its exit status and its output."""
    explained = folder / "explained.json"
    command: list[str | Path] = [
        programs / "schemathesis", "run", f"{environment['CLIENTELE_URL']}/graphql", "--no-color",
        "--header", f"Authorization: Bearer {environment['CLIENTELE_TOKEN']}",
        "--checks", "all", "--generation-deterministic",
        "--max-examples", str(EXAMPLES), "--continue-on-failure", "--suppress-health-check", "all",
    ]  # fmt: skip
    own = {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(TESTS), "FUZZ_EXPLAINED": str(explained)}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, **own},
        stdout=subprocess.PIPE,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    print(done.stdout)
    print("Explained errors:", json.dumps(json.loads(explained.read_text()), indent=2))
    return done.returncode, done.stdout


def main() -> int:
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory(prefix="clientele-fuzz-") as name:
        folder = Path(name)
        programs = install_programs(folder / "venv", TESTS / "requirements.lock")
        with serve_demo() as environment:
            status, output = fuzz(programs, environment, folder)
    generated = re.search(r"(\d+) generated", output)
    if generated is None or int(generated[1]) < 10 * EXAMPLES:
        print("schemathesis sent too few requests", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
