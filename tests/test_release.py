"""The checks before a release, on a toy checkout and on this one."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.version import VERSION
from scripts.package.checks import HEADING, Checkout, find_problems

ROOT = Path(__file__).parents[1]
SCHEMA = "type Query {\n  viewer: String\n}\n"
FILES = {
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-26\n\n- A change.\n",
    "SECURITY.md": "| 1.2 | Yes |\n",
    "schema.graphql": SCHEMA,
    "tests/conformance/released.graphql": f"# 1.2.3\n{SCHEMA}",
    "deploy/compose.yaml": "    image: clientele:1.2.3\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Checkout(tmp_path, "1.2.3", tags=["v1.2.2"])


def test_a_complete_checkout_has_no_problem(checkout: Checkout) -> None:
    assert find_problems(checkout, SCHEMA) == []


def test_a_changed_tree_and_a_used_or_odd_version_are_problems(checkout: Checkout) -> None:
    assert find_problems(replace(checkout, changes=" M app/ids.py\n"), SCHEMA) == [
        "The tree has changes that are not committed: app/ids.py"
    ]
    assert find_problems(replace(checkout, tags=["v1.2.3"]), SCHEMA)[0].startswith("v1.2.3 is tagged already")
    assert "must have a version such as 1.2.3; it has 1.2" in find_problems(replace(checkout, version="1.2"), SCHEMA)[0]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("CHANGELOG.md", "## [Unreleased]\n\n- One.\n\n## [1.2.3] - 2026-11-26\n", "entries under [Unreleased]"),
        ("CHANGELOG.md", "## [Unreleased]\n\n## [1.2.3]\n", "must tell the date"),
        ("CHANGELOG.md", "## [1.2.3] - 2026-11-26\n", "must begin with [Unreleased] and then [1.2.3]"),
        (
            "CHANGELOG.md",
            "## [Unreleased]\n\n## [1.2.2] - 2026-11-26\n",
            "must begin with [Unreleased] and then [1.2.3]",
        ),
        ("SECURITY.md", "| 1.1 | Yes |\n", "must list 1.2 as supported"),
        ("schema.graphql", "", "schema.graphql is not the schema of the code"),
        ("tests/conformance/released.graphql", f"# 1.2.2\n{SCHEMA}", "not the schema of 1.2.3"),
        ("deploy/compose.yaml", "    image: clientele:1.2.2\n", "deploy/compose.yaml has the image of 1.2.2"),
    ],
)
def test_each_file_that_was_forgotten_is_a_problem(checkout: Checkout, name: str, text: str, problem: str) -> None:
    (checkout.folder / name).write_text(text)
    (told,) = find_problems(checkout, SCHEMA)
    assert problem in told


def test_wrong_options_explain_the_usage() -> None:
    for options in (["--quick"], ["--dry"], ["1.2.3"]):
        done = subprocess.run(
            [sys.executable, "-m", "scripts.package", *options], cwd=ROOT, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (1, "usage: scripts/release [--dry-run [--quick]]\n")


def test_the_command_prints_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "app", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"clientele {VERSION}\n", "")


def test_this_checkout_names_its_version_everywhere() -> None:
    versions = HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert versions[0][0] == "Unreleased"
    assert versions[1][0] == VERSION
    schema = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    told = find_problems(Checkout(ROOT, VERSION), schema)
    assert [problem for problem in told if "Unreleased" not in problem and "released.graphql" not in problem] == []
