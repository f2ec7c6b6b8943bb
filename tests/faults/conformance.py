"""Runs every suite of tests/conformance (`*.test.mjs`) against a service with the demo. It needs node."""

import subprocess

from tests.faults.demo_service import ROOT, install_packages, serve_demo

TESTS = ROOT / "tests" / "conformance"


def main() -> int:
    install_packages(TESTS)
    suites = sorted(path.name for path in TESTS.glob("*.test.mjs"))
    with serve_demo() as environment:
        return subprocess.run(["node", "--test", *suites], cwd=TESTS, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
