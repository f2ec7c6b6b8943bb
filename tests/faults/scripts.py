"""The scripts on a toy checkout: the real scripts, a project without dependencies, and a command that tells how it was called."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import os, pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    if os.path.exists("fails"):
        raise SystemExit("the build fails")
    info = "toy-1.dist-info/"
    files = {
        "toy.pth": os.getcwd(),
        info + "METADATA": "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\nclientele = app:main\\n",
        info + "RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(folder, "toy-1-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "toy-1-py3-none-any.whl"
"""
COMMAND = """
import json, os, sys

def main():
    print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "prefix": sys.prefix, "path": sys.path}))
"""
LOCK = "# nothing\n"


@dataclass
class Checkout:
    folder: Path

    def call(
        self, script: str, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "scripts" / script, *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )

    def serve(self, *arguments: str, cwd: Path | None = None, **environment: str) -> tuple[dict[str, object], bool]:
        """What the command told of its call, and whether the environment was made for it."""
        done = self.call("serve", *arguments, cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), "Installing requirements.lock" in done.stderr


def make_checkout(folder: Path) -> Checkout:
    (folder / "app").mkdir(parents=True)
    shutil.copytree(SCRIPTS, folder / "scripts")
    for name, text in {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND,
        "app/__init__.py": COMMAND,
        "requirements.lock": LOCK,
        "requirements-build.lock": LOCK,
        "requirements-dev.lock": LOCK,
    }.items():
        (folder / name).write_text(text)
    return Checkout(folder)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Made by `serve` where python3.13 is broken, python3.11 worse, and pip's settings lead elsewhere."""
    folder = tmp_path_factory.mktemp("toy")
    made = make_checkout(folder / "a clönè's check out")
    pythons = {
        "python3.13": "exit 1",
        "python3.12": f'echo 12 >> "{folder}/called"; exec "{sys.executable}" "$@"',
        "python3.11": f'echo 11 >> "{folder}/called"; exit 1',
        "python3": "exit 1",
    }
    path = offer_pythons(folder / "bin", pythons)
    made.serve(PATH=path, PIP_TARGET=str(folder / "elsewhere"), PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1")
    return made


def offer_pythons(folder: Path, bodies: dict[str, str]) -> str:
    """A PATH with what the scripts need and these shell scripts in the place of Pythons."""
    folder.mkdir()
    (folder / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    for name, body in bodies.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("name", ["serve", "test", "check", "environment", "lock", "release"])
def test_script_is_shell(name: str) -> None:
    subprocess.run(["sh", "-n", SCRIPTS / name], check=True)
    assert os.access(SCRIPTS / name, os.X_OK) or name == "environment"


def test_arguments_and_folder_reach_the_command(checkout: Checkout, tmp_path: Path) -> None:
    told, made = checkout.serve("--port", "1 2", "", cwd=tmp_path, PYTHONPATH=str(tmp_path), CDPATH="/")
    assert told["arguments"] == ["serve", "--migrate", "--port", "1 2", ""]
    assert told["folder"] == str(checkout.folder)
    assert told["prefix"] == str(checkout.folder / ".venv")
    assert str(tmp_path) not in json.dumps(told["path"])
    assert not made


def test_tests_add_to_the_environment_of_the_service(checkout: Checkout) -> None:
    checkout.serve()
    marker = checkout.folder / ".venv" / "marker"
    marker.touch()
    tests = checkout.call("test")
    assert "Installing requirements-dev.lock" in tests.stderr
    assert "No module named pytest" in tests.stderr
    assert marker.exists()
    assert not checkout.serve()[1]
    assert "Installing" not in checkout.call("test").stderr


def test_check_runs_all_and_fails_when_one_fails(checkout: Checkout) -> None:
    done = checkout.call("check")
    assert done.returncode == 1
    for tool in ("ruff", "mypy", "pytest"):
        assert f"No module named {tool}" in done.stderr


def test_changed_lock_file_is_installed_and_a_failed_installation_begun_anew(checkout: Checkout) -> None:
    (checkout.folder / "requirements.lock").write_text("# changed\n")
    (checkout.folder / "fails").touch()
    failed = checkout.call("serve")
    assert failed.returncode == 1
    assert "Installing requirements.lock failed" in failed.stderr.splitlines()[-1]
    (checkout.folder / "fails").unlink()
    assert checkout.serve()[1]
    assert not checkout.serve()[1]


def test_moved_environment_is_not_complete(checkout: Checkout, tmp_path: Path) -> None:
    question = [".venv/bin/python", "-I", "scripts/environment.py", "check", "requirements.lock"]
    checkout.serve()
    assert subprocess.run(question, cwd=checkout.folder).returncode == 0
    shutil.copytree(checkout.folder, tmp_path / "moved", symlinks=True)
    assert subprocess.run(question, cwd=tmp_path / "moved").returncode == 1


def test_newest_python_that_works_is_chosen(checkout: Checkout) -> None:
    assert set((checkout.folder.parent / "called").read_text().split()) == {"12"}


def test_pip_settings_of_the_user_do_not_lead_elsewhere(checkout: Checkout) -> None:
    assert not (checkout.folder.parent / "elsewhere").exists()


def test_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    path = offer_pythons(tmp_path / "bin", {"python3": "exit 1"})
    done = make_checkout(tmp_path / "one").call("serve", PATH=path)
    assert done.returncode == 1
    assert done.stderr.startswith("Clientele needs Python 3.11 or newer")
    assert not (tmp_path / "one" / ".venv").exists()


def test_python_without_ensurepip_is_told_what_to_install(tmp_path: Path) -> None:
    bare = f'case "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"'
    path = offer_pythons(tmp_path / "bin", {"python3": bare})
    done = make_checkout(tmp_path / "one").call("serve", PATH=path)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
