"""The documents: they name every setting and command, their links lead somewhere, and no text tells where it was written."""

import ast
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import typer

from app.cli import CLOSED_PIPE, cli
from app.cli.serving import MIGRATIONS_MISSING
from app.cli.transfer import REJECTED
from app.config import Config
from app.postgres import os_user as account

ROOT = Path(__file__).parents[1]
SETTING = re.compile(r"(DATABASE_URL|SMTP_URL|VIES_URL|CLIENTELE_[A-Z_]+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(
    r"(?<![\w.~}])/(?:work|root|home/\w+)/|pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com", re.IGNORECASE
)
"""Paths of one machine, and hosts of package registries."""


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the checkout, without what is made in it."""
    made = {".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()), ".build-*"}
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not any(fnmatch(name, pattern) for pattern in made)]
        for name in set(names) - made:
            try:
                yield Path(folder, name), Path(folder, name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def documents() -> dict[Path, str]:
    return {path: text for path, text in texts() if path.suffix == ".md"}


def read_settings() -> set[str]:
    """The environment variables that the code names as settings."""
    named = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SETTING.fullmatch(node.value):
                named.add(node.value)
    return named


def documented_settings() -> dict[str, str]:
    """The rows of the table of settings: the variable and its default, empty for none."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", text, re.MULTILINE))


def commands(command: Any, name: str) -> Iterator[str]:
    """Every command with the groups that lead to it."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield name
    for word, one in inner.items():
        yield from commands(one, f"{name} {word}")


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    assert set(documented_settings()) == read_settings()


EXAMPLES = {
    "CLIENTELE_TRUSTED_PROXIES": "10.0.0.0/8",
    "CLIENTELE_ALLOWED_HOSTS": "app.example",
    "CLIENTELE_SIGN_UP": "true",
    "CLIENTELE_METRICS_PORT": "9000",
    "CLIENTELE_ROOT_PATH": "/erp",
}
"""Values of settings without a default to which a URL does not belong."""


def test_the_documented_defaults_hold() -> None:
    defaults = documented_settings()
    assert defaults.pop(account.SETTING) == account.DEFAULT
    environment = {name: value for name, value in defaults.items() if value}
    assert Config.from_environment(environment) == Config.from_environment({})
    for name in defaults.keys() - environment.keys():
        assert Config.from_environment({name: EXAMPLES.get(name, "https://app.example")}) != Config.from_environment({})
        assert not getattr(Config(), name.removeprefix("CLIENTELE_").lower())


def test_documents_name_no_setting_that_is_not_read() -> None:
    named = {name.removesuffix("_FILE") for text in documents().values() for name in SETTING.findall(text)}
    assert named == read_settings()


def spell_out(commands: re.Match[str]) -> str:
    """Writes `clientele group a`, `b` as two whole commands."""
    return ", ".join(f"clientele {commands[1]} {word}" for word in re.findall(r"(\w+)`", commands[0]))


def test_every_command_is_documented() -> None:
    text = re.sub(r"`clientele (\w+) \w+`(?:, `\w+`)+", spell_out, "\n".join(documents().values()))
    listed = list(commands(typer.main.get_command(cli), "clientele"))
    assert len(listed) > 5
    assert [name for name in listed if not re.search(rf"\b{name}\b", text)] == []


def test_documents_name_no_command_that_does_not_exist() -> None:
    known = {tuple(name.split()[1:]) for name in commands(typer.main.get_command(cli), "clientele")}
    groups = {words[0] for words in known if len(words) > 1}
    text = "\n".join(documents().values())
    shown = [*re.findall(r"```sh\n(.*?)```", text, re.DOTALL), *re.findall(r"`(clientele [^`]+)`", text)]
    named = [
        tuple(words)
        for code in shown
        for words in re.findall(r"(?:^|(?<!namespace)[/ ])clientele ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", code)
    ]
    assert len(named) > 50
    wrong = [words for words in named if (words if words[0] in groups else words[:1]) not in known]
    assert [words for words in wrong if words[0] not in NOT_COMMANDS] == []


NOT_COMMANDS = {"clientele"}
"""Words behind the name of the service that are arguments of other programs, such as `docker run clientele clientele`."""

EXIT_CODES = {0, 1, 2, MIGRATIONS_MISSING, REJECTED, 130, CLOSED_PIPE}


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = text.partition("| Exit code | Meaning |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == EXIT_CODES


def test_every_relative_link_leads_to_a_file() -> None:
    links = [(path, link) for path, text in documents().items() for link in LINK.findall(text)]
    relative = [(path, link.partition("#")[0]) for path, link in links if not re.match(r"https?:|mailto:|#", link)]
    assert relative
    assert [(path.name, link) for path, link in relative if not (path.parent / link).exists()] == []


def test_no_text_names_a_machine_or_a_package_registry() -> None:
    found = [(str(path.relative_to(ROOT)), hit) for path, text in texts() for hit in ELSEWHERE.findall(text)]
    assert found == []


def test_the_architecture_names_every_module_of_graphql_and_no_missing_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = [path for path in (ROOT / "app" / "graphql").rglob("*.py") if "node_modules" not in path.parts]
    names = {path.name for path in modules if path.name != "__init__.py"}
    assert len(names) > 20
    assert [name for name in sorted(names) if name not in text] == []
    paths = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`", text)
    folders = [ROOT, ROOT / "app", ROOT / "app" / "graphql"]
    assert [path for path in paths if not any((folder / path).exists() for folder in folders)] == []
