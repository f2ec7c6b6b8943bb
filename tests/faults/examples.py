"""Runs every set-up in `examples/` as a reader does: in a copy of its folder, against a service with the demo.

It needs npm, curl, jq and access to the package indexes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

from tests.faults.demo_service import ROOT, install_packages, serve_demo

EXAMPLES = ROOT / "examples"
LIMIT = 90.0
"""The most seconds of one program."""


def main() -> int:
    folders = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory(prefix="clientele-examples-") as copies, serve_demo() as environment:
        settings = {
            **environment,
            "SERVICE_URL": environment["CLIENTELE_URL"],
            "SERVICE_TOKEN": environment["CLIENTELE_TOKEN"],
        }
        failed = [folder.name for folder in folders if not succeeds(folder, Path(copies, folder.name), settings)]
    print(f"{len(folders) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or not folders else 0


def succeeds(folder: Path, copy: Path, environment: Mapping[str, str]) -> bool:
    """Installs and runs one example. Returns True if both end well, and prints the output of a failure."""
    made = shutil.ignore_patterns("node_modules", "dist", "__generated__", "gql", "schema.graphql")
    shutil.copytree(folder, copy, ignore=made)
    try:
        command = prepare(copy)
        subprocess.run(command, cwd=copy, env=environment, check=True, timeout=LIMIT)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"examples/{folder.name} failed: {error}", flush=True)
        return False
    print(f"examples/{folder.name} works", flush=True)
    return True


def prepare(copy: Path) -> list[str]:
    """Installs the packages of an example. Returns the command that runs it."""
    if (copy / "package.json").exists():
        install_packages(copy)
        return ["npm", "start", "--silent"]
    if (copy / "main.sh").exists():
        return ["sh", "main.sh"]
    python = str(copy / "venv" / "bin" / "python")
    venv.create(copy / "venv", with_pip=True)
    install = [python, "-m", "pip", "--quiet", "install", "--requirement", "requirements.txt"]
    subprocess.run(
        install, cwd=copy, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}, check=True, timeout=LIMIT
    )
    return [python, "main.py"]


if __name__ == "__main__":
    sys.exit(main())
