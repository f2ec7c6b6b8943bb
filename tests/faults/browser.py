"""Runs the browser tests of the pages in headless Chromium against services with the demo."""

import subprocess

from tests.faults.demo_service import ROOT, install_packages, serve_demo

TESTS = ROOT / "tests" / "conformance" / "browser"


def main() -> int:
    install_packages(TESTS)
    failed = run_suite("graphiql.test.mjs", "pages.test.mjs")
    failed |= run_suite("settings.test.mjs", CLIENTELE_ROOT_PATH="/erp", CLIENTELE_INTROSPECTION="false")
    return failed


def run_suite(*names: str, **settings: str) -> int:
    """Runs files of tests, one after the other, against a service with these settings. Returns the exit code."""
    with serve_demo(**settings) as environment:
        command = ["node", "--test", "--test-concurrency=1", *names]
        return subprocess.run(command, cwd=TESTS, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
