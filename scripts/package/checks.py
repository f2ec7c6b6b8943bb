"""The state that a checkout must have to be released."""

import re
from dataclasses import dataclass, field
from pathlib import Path

HEADING = re.compile(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)
NUMBER = re.compile(r"\d+\.\d+\.\d+")
IMAGE = re.compile(r"\bimage: clientele:(\S+)")


@dataclass(frozen=True)
class Checkout:
    """A checkout: its folder, the version of the service, the output of `git status --porcelain`, and the tags."""

    folder: Path
    version: str
    changes: str = ""
    tags: list[str] = field(default_factory=list)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def find_problems(checkout: Checkout, schema: str) -> list[str]:
    """Returns a sentence for each reason not to release. `schema` is the schema that the code prints."""
    return [
        *_check_tree(checkout),
        *_check_changelog(checkout),
        *_check_schema(checkout, schema),
        *_check_deployment(checkout),
    ]


def _check_tree(checkout: Checkout) -> list[str]:
    problems = []
    if checkout.changes:
        problems.append(f"The tree has changes that are not committed: {checkout.changes.split()[1]}")
    if not NUMBER.fullmatch(checkout.version):
        problems.append(f"app/version.py must have a version such as 1.2.3; it has {checkout.version}")
    if f"v{checkout.version}" in checkout.tags:
        problems.append(f"v{checkout.version} is tagged already; write the next version into app/version.py")
    return problems


def _check_changelog(checkout: Checkout) -> list[str]:
    """The newest version has the date of its release, and nothing waits above it."""
    text = checkout.read("CHANGELOG.md")
    headings = list(HEADING.finditer(text))
    if [heading[1] for heading in headings[:2]] != ["Unreleased", checkout.version]:
        return [f"CHANGELOG.md must begin with [Unreleased] and then [{checkout.version}]"]
    problems = []
    if text[headings[0].end() : headings[1].start()].strip():
        problems.append(f"CHANGELOG.md has entries under [Unreleased]; move them to [{checkout.version}]")
    if headings[1][2] is None:
        problems.append(f"CHANGELOG.md must tell the date: ## [{checkout.version}] - YYYY-MM-DD")
    return problems


def _check_schema(checkout: Checkout, schema: str) -> list[str]:
    problems = []
    if checkout.read("schema.graphql") != schema:
        problems.append("schema.graphql is not the schema of the code; run scripts/keep-schema")
    if checkout.read("tests/conformance/released.graphql") != f"# {checkout.version}\n{schema}":
        problems.append(f"released.graphql is not the schema of {checkout.version}; run scripts/keep-schema")
    return problems


def _check_deployment(checkout: Checkout) -> list[str]:
    """Files for operators name the image of this version; SECURITY.md supports it."""
    files = sorted(path for path in (checkout.folder / "deploy").rglob("*.yaml") if path.is_file())
    wrong = [
        f"{path.relative_to(checkout.folder)} has the image of {image}, not of {checkout.version}"
        for path in files
        for image in sorted(set(IMAGE.findall(path.read_text(encoding="utf-8"))) - {checkout.version})
    ]
    minor = checkout.version.rpartition(".")[0]
    if f"| {minor} | Yes |" not in checkout.read("SECURITY.md"):
        wrong.append(f"SECURITY.md must list {minor} as supported")
    return wrong
