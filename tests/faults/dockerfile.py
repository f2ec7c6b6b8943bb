"""Reads the Dockerfile and .dockerignore: the stages with their instructions, and the files of the context."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """A line of the Dockerfile, with its continuations: COPY, its flags such as from=builder, and the rest."""

    word: str
    flags: dict[str, str]
    text: str

    @property
    def arguments(self) -> list[str]:
        """The arguments, in the form of JSON or of words."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


@dataclass
class Stage:
    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def read_stages(text: str) -> list[Stage]:
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        flags = dict(re.findall(r"--([a-z-]+)=(\S+)", re.split(r"\s(?!--)", rest)[0] if rest.startswith("--") else ""))
        rest = re.sub(r"^(--[a-z-]+=\S+\s+)+", "", rest.strip())
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip()))
        else:
            stages[-1].instructions.append(Instruction(word, flags, rest))
    return stages


@dataclass(frozen=True)
class Context:
    """The files that a build can copy: those that .dockerignore lets through."""

    folder: Path
    rules: list[str]

    def allows(self, path: str) -> bool:
        allowed = True
        for rule in self.rules:
            if _matches(path, rule.removeprefix("!")):
                allowed = rule.startswith("!")
        return allowed

    def copy(self, source: str, target: Path) -> None:
        """Copies a file, or the content of a folder."""
        origin = self.folder / source
        files = [path for path in origin.rglob("*") if path.is_file()] if origin.is_dir() else [origin]
        copied = [path for path in files if self.allows(path.relative_to(self.folder).as_posix())]
        assert copied, f".dockerignore leaves nothing of {source}"
        for path in copied:
            place = target / path.relative_to(origin) if origin.is_dir() else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in path.split("/"))
    return pattern == "*" or path == pattern or path.startswith(f"{pattern}/")


def read_context(folder: Path) -> Context:
    lines = (folder / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return Context(folder, [line.strip() for line in lines if line.strip()])


def read_environment(instructions: list[Instruction]) -> Iterator[tuple[str, str]]:
    """The variables that ENV sets, in order."""
    for instruction in instructions:
        if instruction.word == "ENV":
            for pair in instruction.arguments:
                name, _, value = pair.partition("=")
                yield name, value
