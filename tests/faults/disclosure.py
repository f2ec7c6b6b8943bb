"""Runs clairvoyance against a service without introspection: from all words of the schema it recovers no type.

clairvoyance asks for fields by words and reads the names in the errors. To show that it would find something, it also runs
against a service with introspection, where errors suggest names.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.demo_service import ROOT, install_programs, serve_demo

LOCK = ROOT / "tests" / "conformance" / "clairvoyance.lock"
MOST_SECONDS = 60
FEW_WORDS = "clients customers client customer organization viewer name id node nodes createClient input filter first totalCount"


def recover_types(clairvoyance: Path, folder: Path, words: list[str], introspection: str) -> list[str]:
    """The names of the types that clairvoyance recovers with a token."""
    wordlist, output = folder / "words.txt", folder / f"recovered-{introspection}.json"
    wordlist.write_text("\n".join(words), encoding="utf-8")
    rates = {"CLIENTELE_TOKEN_REQUESTS": "off", "CLIENTELE_ACCOUNT_REQUESTS": "off"}
    with serve_demo(CLIENTELE_INTROSPECTION=introspection, **rates) as environment:
        header = f"Authorization: Bearer {environment['CLIENTELE_TOKEN']}"
        address = f"{environment['CLIENTELE_URL']}/graphql"
        command: list[str | Path] = [clairvoyance, "-H", header, "-w", wordlist, "-o", output, address]
        subprocess.run(command, cwd=folder, capture_output=True, timeout=MOST_SECONDS, check=False)
    if not output.exists():
        return []
    return [type_["name"] for type_ in json.loads(output.read_text())["data"]["__schema"]["types"]]


def main() -> int:
    words = sorted(set(re.findall("[A-Za-z_][A-Za-z0-9_]*", (ROOT / "schema.graphql").read_text(encoding="utf-8"))))
    with tempfile.TemporaryDirectory(prefix="clientele-clairvoyance-") as name:
        folder = Path(name)
        clairvoyance = install_programs(folder / "venv", LOCK) / "clairvoyance"
        shown = recover_types(clairvoyance, folder, FEW_WORDS.split(), "true")
        hidden = recover_types(clairvoyance, folder, words, "false")
    print(f"With introspection, {len(shown)} types from {len(FEW_WORDS.split())} words: {', '.join(shown)}")
    print(f"Without introspection, {len(hidden)} types from {len(words)} words: {', '.join(hidden)}")
    if not shown:
        print("clairvoyance recovers nothing anywhere, so this run shows nothing", file=sys.stderr)
    return 0 if shown and not hidden else 1


if __name__ == "__main__":
    raise SystemExit(main())
