"""Combining marks: long runs of them, as the stream-safe text format of UAX 15 finds them."""

from unicodedata import combining, decomposition, normalize

MOST_MARKS = 30
"""The stream-safe text format allows 30 marks in a row. No language needs more."""

MARKS = frozenset(
    letter
    for letter in map(chr, range(0x300, 0x20000))
    if combining(letter) or (decomposition(letter) and all(map(combining, normalize("NFKD", letter))))
)
"""The characters whose decomposition consists of marks, which Unicode puts into an order. No later plane has any."""


def has_long_run(text: str) -> bool:
    """True if a text has over 30 combining marks in a row. A run of 31 characters holds every 31st character of a text."""
    if MARKS.isdisjoint(text[MOST_MARKS :: MOST_MARKS + 1]):
        return False
    run = 0
    for letter in text:
        run = run + 1 if letter in MARKS else 0
        if run > MOST_MARKS:
            return True
    return False
