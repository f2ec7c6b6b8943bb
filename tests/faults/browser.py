"""Runs the browser tests of GraphiQL in headless Chromium against services with the demo."""

import subprocess

from tests.faults.demo_service import ROOT, install_packages, serve_demo

TESTS = ROOT / "tests" / "conformance" / "browser"


def main() -> int:
    install_packages(TESTS)
    failed = run_suite("graphiql.test.mjs")
    failed |= run_suite("settings.test.mjs", CLIENTELE_ROOT_PATH="/erp", CLIENTELE_INTROSPECTION="false")
    return failed


def run_suite(name: str, **settings: str) -> int:
    """Runs a file of tests against a service with these settings. Returns the exit code."""
    with serve_demo(**settings) as environment:
        return subprocess.run(["node", "--test", name], cwd=TESTS, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
