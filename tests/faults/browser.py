"""Runs the browser tests of GraphiQL in headless Chromium against a service with the demo."""

import subprocess

from tests.faults.demo_service import ROOT, install_packages, serve_demo

TESTS = ROOT / "tests" / "conformance" / "browser"


def main() -> int:
    install_packages(TESTS)
    with serve_demo() as environment:
        return subprocess.run(["npm", "test"], cwd=TESTS, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
