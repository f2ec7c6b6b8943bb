"""Trusted documents: a file of documents that requests name by an id. A front end's build writes the file.

Two formats are supported: a JSON object of ids and texts, as relay-compiler's `persistConfig` writes it, and the manifest
of Apollo's generate-persisted-query-manifest.
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
class TrustedDocuments:
    """The texts of the trusted documents. `by_id` has the ids and the order of the file; `by_hash` has SHA-256 in hex."""

    by_id: Mapping[str, str] = field(default_factory=dict)
    by_hash: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "TrustedDocuments":
        return cls(texts, {hash_document(text): text for text in texts.values()})

    def find(self, document_id: str) -> str | None:
        """The text with an id of the file, or with a SHA-256 in hex. Both may have the prefix `sha256:`."""
        bare = document_id.removeprefix(SHA256)
        return self.by_id.get(document_id) or self.by_id.get(bare) or self.by_hash.get(bare)

    def has_text(self, text: str) -> bool:
        """True if a text is exactly that of a trusted document."""
        return hash_document(text) in self.by_hash


def hash_document(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_trusted(path: Path | None) -> TrustedDocuments:
    """The documents of a file, or no documents without a file. Raises Misconfigured for a file that cannot be used."""
    if path is None:
        return TrustedDocuments()
    try:
        texts = read_texts(json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_read_object))
    except OSError as error:
        message = f"The file of trusted documents {path} cannot be read: {error.strerror or error}"
        raise Misconfigured(message) from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"The file of trusted documents {path} is not in a supported format: {error}") from error
    return TrustedDocuments.of(texts)


def _read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(members)
    if len(content) < len(members):
        names = [name for name, _ in members]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {repeated!r} occurs twice in one object")
    return content


def read_texts(content: Any) -> dict[str, str]:
    """The texts by their ids, from either format. Raises ValueError for any other content."""
    if not isinstance(content, dict):
        raise ValueError("the file must hold a JSON object")
    if "format" in content and "operations" in content:
        return _read_manifest(content)
    for document_id, text in content.items():
        if not document_id or not isinstance(text, str):
            raise ValueError(f"the document {document_id!r} needs a non-empty id and a string as its text")
    return content


def _read_manifest(content: dict[str, Any]) -> dict[str, str]:
    if (content["format"], content.get("version")) != (MANIFEST, 1):
        raise ValueError(f"only version 1 of {MANIFEST} is supported")
    if not isinstance(content["operations"], list):
        raise ValueError("`operations` must be a list")
    texts: dict[str, str] = {}
    for index, operation in enumerate(content["operations"]):
        document_id, text = _read_manifest_operation(index, operation)
        if texts.setdefault(document_id, text) != text:
            raise ValueError(f"two operations have the id {document_id!r}")
    return texts


def _read_manifest_operation(index: int, operation: Any) -> tuple[str, str]:
    members = operation if isinstance(operation, dict) else {}
    document_id, text = members.get("id"), members.get("body")
    if not isinstance(document_id, str) or not isinstance(text, str):
        raise ValueError(f"operation {index} needs strings as its `id` and `body`")
    return document_id, text
