"""Findings: what is wrong with the records of a file, and how the operator is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from app.clients.transfer.files import Entry, read_entries
from app.clients.transfer.repository import Holder
from app.query.messages import stringify

MOST_PROBLEMS = 20
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a record of a file. `holder` has its id already; without one, and without a text,
    another record of the same batch has."""

    entry: Entry
    text: str = ""
    holder: Holder | None = None


def describe(findings: Sequence[Finding], organization: str, file: BinaryIO) -> str:
    """What is wrong, in the order of the file."""
    doubled = {str(one.entry.value["id"]) for one in findings if not one.text}
    firsts = find_firsts(file, doubled) if doubled else {}
    ordered = sorted(findings, key=lambda one: one.entry.number)[:MOST_PROBLEMS]
    lines = [f"{name_entry(one.entry)}: {one.text or _tell_holder(one, organization, firsts)}" for one in ordered]
    head = "Nothing is imported" + (", and these are only the first problems" if len(findings) > len(lines) else "")
    return "\n".join([f"{head}:", *lines])


def find_firsts(file: BinaryIO, ids: set[str]) -> dict[str, Entry]:
    """The first record of the file with each of the ids."""
    left, firsts = set(ids), {}
    for entry in read_entries(file):
        found = entry.value.get("id") if isinstance(entry.value, dict) else None
        if isinstance(found, str) and found in left:
            left.remove(found)
            firsts[found] = entry
            if not left:
                break
    return firsts


def _tell_holder(finding: Finding, organization: str, firsts: dict[str, Entry]) -> str:
    first, holder = firsts[finding.entry.value["id"]], finding.holder
    if first.number != finding.entry.number:
        return f"id is in the file already: {name_entry(first)}"
    assert holder is not None
    client = f"{quote(holder.name)}{', deleted' if holder.deleted else ''}"
    if holder.organization_id == organization:
        return f"id is in the organization already: {client}"
    other = f"{holder.organization_id}, {quote(holder.organization_name)}"
    return f"id is in another organization of the same account, {other}: {client}"


def name_entry(entry: Entry) -> str:
    """Where a record stands, with its id and name as far as it has them."""
    value: dict[str, Any] = entry.value if isinstance(entry.value, dict) else {}
    told = [quote(value[key]) for key in ("id", "name") if isinstance(value.get(key), str)]
    return f"{entry.place} ({', '.join(told)})" if told else entry.place


def name_field(name: str) -> str:
    return name if name.isidentifier() and len(name) <= LONGEST_NAME else quote(name)


def quote(text: str) -> str:
    """A text between quotes, cut where it is long."""
    return stringify(text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…")
