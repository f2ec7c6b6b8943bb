"""docs/reliability.md names tests that exist, and .ci/run runs the ones with real processes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE)))
CHECKS = sorted(set(re.findall(r"`(check_\w+)`", PAGE)))
FAULTS = list((ROOT / "tests" / "faults").rglob("*.py"))


def rows() -> list[list[str]]:
    """The cells of the rows of every table on the page."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("Situation", "---")]


def test_every_promise_names_a_test() -> None:
    assert len(rows()) > 20
    for situation, promise, tests in rows():
        assert promise, situation
        assert re.search(r"`(tests/[\w/]+\.py|check_\w+)`", tests), situation


@pytest.mark.parametrize("name", FILES)
def test_a_named_file_exists(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", CHECKS)
def test_a_named_check_exists_and_runs(name: str) -> None:
    texts = [text for path in FAULTS if f"def {name}(" in (text := path.read_text())]
    assert texts, name
    assert any(re.search(rf"\b{name}[,)]", path.read_text()) for path in FAULTS), f"no run lists {name}"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("tests/faults/")])
def test_a_run_with_real_processes_is_a_step_of_the_checks(name: str) -> None:
    module = name.removesuffix(".py").replace("/", ".")
    package = module.rpartition(".")[0]
    steps = (ROOT / ".ci" / "run").read_text()
    assert any(step in steps for step in (name, f"-m {module}\n", f"-m {package}\n")), name
