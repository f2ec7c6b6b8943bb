"""Makes a release: `scripts/release [--dry-run] [--quick]`.

It checks the checkout, builds the wheel and the source distribution into dist/, serves from the installed wheel, and tags
the commit. `--dry-run` does all but the tag. `--quick` leaves the tests out, and needs `--dry-run`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from app.version import VERSION
from scripts.package.checks import Checkout, find_problems

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
TESTS = (["scripts/check"], ["scripts/test"])


def run(*command: str | Path) -> str:
    """Runs a command in the checkout. Returns its output, or raises CalledProcessError."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - the command is the script's own


def show(*command: str | Path) -> None:
    """Runs a command whose output a person reads."""
    print(f"=== {' '.join(map(str, command))}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - the command is the script's own


def build() -> list[Path]:
    """Builds the packages. Returns their files."""
    shutil.rmtree(DIST, ignore_errors=True)
    show(sys.executable, "-m", "hatchling", "build", "--directory", DIST)
    return sorted(DIST.iterdir())


def release(*, dry: bool, quick: bool) -> None:
    """Raises SystemExit with the list of problems."""
    checkout = Checkout(ROOT, VERSION, run("git", "status", "--porcelain"), run("git", "tag", "--list").split())
    problems = find_problems(checkout, run(".venv/bin/clientele", "schema"))
    if problems:
        raise SystemExit("\n".join([f"{VERSION} cannot be released:", *(f"- {problem}" for problem in problems)]))
    for command in () if quick else TESTS:
        show(*command)
    packages = build()
    (wheel,) = (path for path in packages if path.suffix == ".whl")
    show(sys.executable, "-m", "tests.faults.wheel", wheel)
    if not dry:
        show("git", "tag", "--annotate", f"v{VERSION}", "--message", f"Clientele {VERSION}")
    print("\n".join(["", *(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes" for path in packages)]))
    print(f"A dry run: v{VERSION} was not tagged." if dry else f"v{VERSION} is tagged. Push the tag and publish dist/.")


def main(*options: str) -> None:
    unknown = set(options) - {"--dry-run", "--quick"}
    if unknown or ("--quick" in options and "--dry-run" not in options):
        raise SystemExit("usage: scripts/release [--dry-run [--quick]]")
    try:
        release(dry="--dry-run" in options, quick="--quick" in options)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"Nothing was released: {' '.join(map(str, error.cmd))} failed") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
