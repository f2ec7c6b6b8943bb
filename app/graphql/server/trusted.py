"""Trusted documents: a file of documents that callers name by an id, written by a front end's build and never by a caller.

Two formats are read: a JSON object of ids and texts, as relay-compiler's `persistConfig` writes it, and the manifest of
Apollo's generate-persisted-query-manifest.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.errors import Misconfigured

MANIFEST = "apollo-persisted-query-manifest"
SHA256 = "sha256:"


@dataclass(frozen=True)
class Trusted:
    """The listed documents. `by_id` holds them by the ids of the file, in its order, and `by_hash` by their SHA-256."""

    by_id: Mapping[str, str] = field(default_factory=dict)
    by_hash: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Trusted":
        return cls(texts, {hash_document(text): text for text in texts.values()})

    def find(self, document_id: str) -> str | None:
        """The text with an id of the file, or with a SHA-256 in hex, with or without `sha256:` before it."""
        bare = document_id.removeprefix(SHA256)
        return self.by_id.get(document_id) or self.by_id.get(bare) or self.by_hash.get(bare)

    def lists(self, text: str) -> bool:
        """Whether a text is, to the letter, one of the documents."""
        return hash_document(text) in self.by_hash


def hash_document(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_trusted(path: Path | None) -> Trusted:
    """The documents of a file; none without one. Raises Misconfigured for a file that cannot be used."""
    if path is None:
        return Trusted()
    try:
        found = read_texts(json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_read_object))
    except OSError as error:
        raise Misconfigured(f"The trusted documents {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"The trusted documents {path} are not in a known format: {error}") from error
    return Trusted.of(found)


def _read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) < len(members):
        names = [name for name, _ in members]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is in it twice")
    return read


def read_texts(content: Any) -> dict[str, str]:
    """The texts by their ids. Raises ValueError for what is none of the two formats."""
    if not isinstance(content, dict):
        raise ValueError("the file must hold a JSON object")
    if "format" in content and "operations" in content:
        return _read_manifest(content)
    wrong = next((name for name, text in content.items() if not isinstance(text, str) or not name), None)
    if wrong is not None:
        raise ValueError(f"the document {wrong!r} is not a text")
    return content


def _read_manifest(content: dict[str, Any]) -> dict[str, str]:
    if (content["format"], content.get("version")) != (MANIFEST, 1):
        raise ValueError(f"it is not version 1 of {MANIFEST}")
    texts: dict[str, str] = {}
    for place, one in enumerate(content["operations"] if isinstance(content["operations"], list) else [None]):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not isinstance(one.get("body"), str):
            raise ValueError(f"operation {place} has no text as its id and body")
        if texts.setdefault(one["id"], one["body"]) != one["body"]:
            raise ValueError(f"two operations have the id {one['id']!r}")
    return texts
