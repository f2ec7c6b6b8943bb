"""Asks the GraphQL door of a service with the demo in it what schemathesis makes up from its schema, queries and mutations.

schemathesis is installed from tests/conformance/requirements.lock into an environment of its own that is thrown away. The
requests are the same each time. Fails for an answer of 5xx, one that its own schema does not allow, a refusal without an
explanation in tests/conformance/fuzz_hooks.py, and for too few requests.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.faults.demo_service import ROOT, serve_demo

TESTS = ROOT / "tests" / "conformance"
EXAMPLES = 30
"""Of each field of Query and of Mutation."""
MOST_SECONDS = 240


def install(folder: Path) -> Path:
    """The folder of the programs of a new environment with schemathesis in it."""
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [folder / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "-r", TESTS / "requirements.lock"], check=True)
    return folder / "bin"


def fuzz(programs: Path, environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """The exit status of schemathesis and what it said."""
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
    print("Explained refusals:", json.dumps(json.loads(explained.read_text()), indent=2))
    return done.returncode, done.stdout


def main() -> int:
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory(prefix="clientele-fuzz-") as name:
        folder = Path(name)
        programs = install(folder / "venv")
        with serve_demo() as environment:
            status, said = fuzz(programs, environment, folder)
    made = re.search(r"(\d+) generated", said)
    if made is None or int(made[1]) < 10 * EXAMPLES:
        print("schemathesis has made too few requests", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
