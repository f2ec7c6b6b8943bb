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
    "export": ("--organization", "--output", "--fields", "--where", "--delimiter"),
    "subject-export": ("--organization", "--output"),
    "import": ("--organization", "--map", "--match", "--encoding", "--delimiter"),
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


ADDRESSES = (
    "postgresql://",
    "postgresql://[::1",
    "postgresql://127.0.0.1:99999/x",
    "postgresql://127.0.0.1:0/x",
    "postgresql:///x?host=/nowhere&sslmode=bogus",
    "postgresql://127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/nowhere",
    "postgresql://127.0.0.1:1/x?connect_timeout=abc",
    "postgresql://127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=bogus",
    "postgresql://127.0.0.1:1/x?bogus=%zz",
    "postgresql://%ff@127.0.0.1:1/%ff",
    "postgresql://\udcff@127.0.0.1:1/x",
    "postgresql://😀.example:1/x",
    f"postgresql://{'a' * 300}.example/x",
    "mysql://127.0.0.1/x",
    "😀",
)


@pytest.mark.parametrize("name", ["organization list", "migrate", "serve"])
def test_strange_addresses_of_databases_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("app.cli.service.serve", lambda *_: sys.exit(0))
    monkeypatch.setattr("app.cli.checks.START_LIMIT", 3.0)
    for address in ADDRESSES:
        for variable in ("DATABASE_URL", *(["CLIENTELE_LISTEN_URL"] if name == "serve" else [])):
            with monkeypatch.context() as patched:
                patched.setenv(variable, address)
                _, err, status = run(*name.split(), *(("--port", "0") if name == "serve" else ()))
            assert (status in (0, 1), err.count("\n")) == (True, 1), (address, err)
            assert err.startswith("clientele: "), (address, err)


SETTINGS = ("HOST", "MAIL_FROM", "DOCUMENTS", "DATA_DIR", "ROOT_PATH", "METRICS_HOST", "DATABASE_ACCOUNT")


def test_strange_values_of_settings_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.cli.service.serve", lambda *_: sys.exit(0))
    monkeypatch.chdir(tmp_path)
    for variable in (*(f"CLIENTELE_{name}" for name in SETTINGS), "SMTP_URL", "VIES_URL"):
        for text in (
            *(text for text in STRANGE if len(text) < 100_000),
            "a" * 300,
            "..",
            "smtp://",
            "smtp://[",
            "[::",
            "1.2.3",
        ):
            with monkeypatch.context() as patched:
                patched.setenv(variable, text)
                _, err, status = run("serve", "--port", "0")
            assert (status in (0, 1), err.count("\n") == status) == (True, True), (variable, text, err)


FILES = {
    "nothing": b"",
    "bytes": bytes(range(256)),
    "depth": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "number": b"9" * 10_000,
    "nan": b'{"name": NaN}',
    "surrogate": b'{"name": "\\ud800"}',
    "null": b'{"name": "\\u0000"}',
    "list": b"[1, null, [], {}]",
    "mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("name", ["documents check", "import", "restore"])
def test_strange_files_are_an_error(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    organization = run("organization", "create", "Studio")[0].strip()
    if name == "restore":
        monkeypatch.delenv("DATABASE_URL")
        monkeypatch.setenv("CLIENTELE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "folder").mkdir()
    for kind, content in FILES.items():
        (tmp_path / kind).write_bytes(content)
    for kind in (*FILES, "folder", "absent"):
        options = ("--organization", organization) if name == "import" else ()
        _, err, status = run(*name.split(), str(tmp_path / kind), *options)
        assert "Traceback" not in err
        assert status == 0 or err.startswith("clientele: "), (kind, err[:200])
