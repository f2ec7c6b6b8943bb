"""Strange arguments end in one line, never in a traceback."""

import io
import sys
from pathlib import Path

import pytest

from tests.cli.test_failures import ARGUMENTS
from tests.test_cli import Run

STRANGE = ("", " ", "\udcff", "é" * 3000, "\u202e", "-", "/", "%", "[red]", "{", "0", "\t\n", "😀", "x" * 200_000)
"""Texts for any argument. The surrogate is what Python makes of a byte that is not UTF-8."""

OPTIONS = {
    "organization create": ("--id", "--account", "--email", "--locale"),
    "organization update": ("--name", "--email", "--locale", "--country", "--timezone", "--website"),
    "token create": ("--organization", "--account", "--expires", "--label"),
    "outbox list": ("--organization",),
    "outbox retry": ("--organization",),
    "erase": ("--organization",),
    "export": ("--organization", "--output"),
    "subject-export": ("--organization", "--output"),
    "import": ("--organization",),
}
SKIPPED = {"serve", "migrate", "schema", "database remove", "restore"}
"""Commands without texts as arguments, or with a test of their own."""


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - SKIPPED))
def test_strange_texts_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ARGUMENTS[name]
    tried = [(text, *arguments[1:]) for text in STRANGE if arguments and not arguments[0].startswith("--")]
    tried += [(*arguments, option, text) for option in OPTIONS.get(name, ()) for text in STRANGE]
    for words in tried:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"correct horse\n")))
        _, err, status = run(*name.split(), *words)
        assert "Traceback" not in err
        if status == 1:
            assert err.startswith("clientele: "), (words[0][:20], err[:200])
            assert len(err) < 2_000, (words[0][:20], err[:200])
