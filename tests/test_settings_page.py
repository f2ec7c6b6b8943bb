"""docs/settings.md against the code: every type, example and range in it holds, and every row names a risk."""

import re
from pathlib import Path

import pytest

from app.config import Config
from app.errors import Misconfigured

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
TYPES = (
    "Access token",
    "Address",
    "Boolean",
    "Bytes, integer",
    "Days, integer",
    "Directory",
    "Duration",
    "E-mail address",
    "File",
    "Host names",
    "Hours, integer",
    "IP address",
    "Integer",
    "Megabytes, integer",
    "MiB, integer",
    "Name of an OS user",
    "Origins",
    "Path of a URL",
    "URL",
    "libpq URL",
    "`",
)
"""The beginnings of types. A type that is a choice begins with its first word."""
TOGETHER = {"CLIENTELE_DOCUMENTS_ONLY": {"CLIENTELE_DOCUMENTS": "trusted.json"}}
"""Settings that need another one."""


def read(name: str, value: str) -> Config:
    return Config.from_environment({name: value, **TOGETHER.get(name, {})})


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip("`") for row in ROWS])
def test_a_row_has_a_type_an_example_a_meaning_and_a_risk(row: list[str]) -> None:
    assert len(row) == 5, row
    name, _, kind, meaning, risk = row
    assert kind.startswith(TYPES)
    assert kind.endswith("`")
    assert meaning.endswith(".")
    assert risk.endswith(".")
    assert not risk.startswith("As "), "a risk is said in each row"
    example = kind.rsplit("`", 2)[1]
    read(name.strip("`"), example)


RANGES = [
    (row[0].strip("`"), int(low), int(high)) for row in ROWS for low, high in re.findall(r"from (\d+) to (\d+)", row[2])
]


def test_many_settings_have_a_range() -> None:
    assert len(RANGES) > 40


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_a_documented_range_is_the_range(name: str, low: int, high: int) -> None:
    for value in (low, high):
        read(name, str(value))
    for value in (low - 1, high + 1):
        with pytest.raises(Misconfigured, match=f"^{name} must be "):
            read(name, str(value))
