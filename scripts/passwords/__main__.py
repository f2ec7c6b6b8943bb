"""Writes app/accounts/common-passwords.txt.gz from the list in Django, and beside it the licence of Django.

Django has the 20,000 commonest passwords, made by Royce Williams, the commonest first. Kept are those that matter for a
password of at least 10 characters: the first 10,000 of at least 5 characters, and all of at least 10.
"""

import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "app" / "accounts" / "common-passwords.txt.gz"
MOST, SHORTEST_PART, SHORTEST = 10_000, 5, 10


def choose(passwords: Sequence[str]) -> list[str]:
    """The passwords to keep, sorted."""
    parts = [password for password in passwords if len(password) >= SHORTEST_PART]
    return sorted({*parts[:MOST], *(password for password in passwords if len(password) >= SHORTEST)})


def main(packages: Path) -> None:
    source = gzip.decompress((packages / "django/contrib/auth/common-passwords.txt.gz").read_bytes())
    lines = choose(source.decode().split())
    TARGET.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    (licence,) = packages.glob("[Dd]jango-*.dist-info/**/LICENSE")
    TARGET.with_name("common-passwords.LICENSE").write_bytes(licence.read_bytes())


main(Path(sys.argv[1]))
