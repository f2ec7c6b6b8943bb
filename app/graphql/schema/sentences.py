"""Sentences: messages of user errors that a front end can show as they are."""

import re
from collections.abc import Sequence

WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
ACRONYMS = {word.lower(): word for word in ("BIC", "IBAN", "ID", "IDs", "SWIFT", "UJP", "VAT", "ZIP")}


def write_sentence(path: Sequence[str], predicate: str) -> str:
    """A sentence about the member at a path below the input: a field, then keys and indexes.

    A predicate begins with a lower-case letter, as in `must not be blank`. A sentence of its own is returned unchanged.
    """
    if not path or not predicate[:1].islower():
        return predicate
    field, *below = path
    parts = [f"item {int(part) + 1}" if part.isdecimal() else f"`{part}`" for part in below]
    name = " of ".join([*reversed(parts), name_field(field)])
    return f"{name[:1].upper()}{name[1:]} {predicate}"


def name_field(name: str) -> str:
    """The words of a field's name: `tax number` for `taxNumber`, `IBAN` for `iban`."""
    return " ".join(ACRONYMS.get(word.lower(), word.lower()) for word in WORD.findall(name)) or name


def end_sentence(text: str) -> str:
    """The text with a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
