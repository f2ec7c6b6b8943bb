"""The package: a wheel built from what the image is built from holds all that the service needs, and nothing else."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.storage.tables import metadata

ROOT = Path(__file__).parents[1]
BUNDLE = Path("app/graphql/server/graphiql/dist")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "dist", ".build-*")


def copied_paths() -> set[str]:
    """What the Dockerfile copies from the checkout into the image's build."""
    copies = re.findall(r"^COPY (?!--)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return {source.rstrip("/") for line in copies for source in line.split()[:-1]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy of the checkout, in which GraphiQL has been built and node has left its modules."""
    folder = tmp_path_factory.mktemp("package")
    for name in copied_paths():
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=LEFT_OUT, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    for made in (BUNDLE / "manifest.json", BUNDLE / "assets" / "main.js", BUNDLE.parent / "node_modules" / "one.js"):
        (folder / made).parent.mkdir(parents=True, exist_ok=True)
        (folder / made).write_text("{}")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "made")]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    (built,) = (folder / "made").glob("*.whl")
    return zipfile.ZipFile(built)


def files_below(folder: str, pattern: str) -> set[str]:
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern) if path.is_file()}
    assert found, f"{folder} has no {pattern}"
    return found


def test_the_wheel_holds_all_that_the_service_reads(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert files_below("app", "*.py") <= names
    assert files_below("app/mail/templates", "*") <= names
    assert {"app/demo.jsonl.gz", *files_below("app/accounts", "common-passwords.*")} <= names
    assert {
        f"app/graphql/server/graphiql/{name}"
        for name in (
            "cdn.json",
            "examples.json",
            "fallback.js",
            "page.css",
            "page.html",
            "policy.js",
            "session.js",
            "trusted.html",
        )
    } <= names
    assert {f"app/{name}" for name in files_below("migrations", "*.py")} <= names
    assert {str(BUNDLE / "manifest.json"), str(BUNDLE / "assets" / "main.js")} <= names
    assert wheel.read("app/schema.graphql") == (ROOT / "schema.graphql").read_bytes()


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"app", "clientele"}
    strange = re.compile(r"node_modules|package(-lock)?\.json|vite|\.jsx|__pycache__|(^|/)\.|(^|/)tests/")
    assert [name for name in names if strange.search(name)] == []


def test_the_unpacked_wheel_migrates_a_database(wheel: zipfile.ZipFile, server_url: str, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    name = f"clientele_package_{uuid.uuid4().hex[:12]}"
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    command = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from app.cli import main; main()"

    async def execute(url: str, statement: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    asyncio.run(execute(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        for program in (["migrate"], ["schema"]):
            run = [sys.executable, "-P", "-c", command, *program]
            done = subprocess.run(run, cwd=tmp_path, env={**os.environ, "DATABASE_URL": url}, capture_output=True)
            assert done.returncode == 0, done.stderr.decode()
        tables = asyncio.run(execute(url, "SELECT relname FROM pg_class WHERE relkind = 'r'"))
        assert set(metadata.tables) <= {row["relname"] for row in tables}
    finally:
        asyncio.run(execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_the_image_is_built_from_files_that_its_context_has() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = copied_paths()
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {name for name in copied if not any(f"{name}/".startswith(f"{one}/") for one in allowed)} == set()
    assert "requirements.lock" in copied
