"""Names for mails: free text of a caller becomes a short, visible single line without links and addresses.

The text of a reminder goes to strangers in the operator's name, so a name must not lead its reader anywhere. A bare domain
stays, because companies are called Booking.com.
"""

import re
import unicodedata
from itertools import islice

from app.query.invisible import is_invisible

LONGEST_NAME = 70
"""Characters, with the dots of a name that was cut."""
NAMELESS = "–"
BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
"""They are invisible, but Persian words and emoji need them between two letters."""
LOOKALIKES = str.maketrans("：﹕／⁄∕＠﹫．。", "::///@@..")
"""Characters that people, and some mail programs, read as those of a link."""
LINK = re.compile(r"://|www\.", re.IGNORECASE)
SCHEME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
LINK_ENDS = re.compile(r"[/\\?#]")
AROUND_ADDRESS = re.compile(r"""([<>(),;:"'«»„“”])""")
REMAINS = frozenset({"<>", "()", '""', "''", "mailto:"})
"""The signs around an address, which mean nothing without it."""


def one_line(text: str) -> str:
    """The text as a single line: each control character, line end, lone surrogate or run of spaces becomes one space."""
    cleaned = "".join(" " if unicodedata.category(character) in BREAKING else character for character in text)
    return " ".join(word for word in cleaned.split(" ") if word)


def clean_name(text: str) -> str:
    """A name without links, e-mail addresses and invisible characters, of at most LONGEST_NAME characters.

    A name of which nothing else is left becomes the beginning of its address, or a dash.
    """
    line = remove_invisible(one_line(unicodedata.normalize("NFC", text))).translate(LOOKALIKES)
    words = [remove_address(remove_link(word)) for word in line.split(" ")]
    name = one_line(" ".join(word for word in words if "".join(word.split()) not in REMAINS))
    return cut(name or one_line(remove_link(line.partition("@")[0])) or NAMELESS)


def remove_invisible(line: str) -> str:
    """The line without characters that show nothing. Wide spaces become spaces; joiners between two letters stay."""
    kept: list[str] = []
    for index, character in enumerate(line):
        if character in JOINERS:
            kept += character if _joins(line[index - 1 : index], line[index + 1 : index + 2]) else ""
        elif unicodedata.category(character) == "Zs":
            kept += " "
        elif not is_invisible(character):
            kept += character
    return one_line("".join(kept))


def _joins(before: str, after: str) -> bool:
    return all(side and not side.isascii() and not is_invisible(side) for side in (before, after))


def remove_link(word: str) -> str:
    """The word without schemes and `www.`, and without the path of a link."""
    first, *rest = LINK.split(word)
    if not rest:
        return word
    hosts = (LINK_ENDS.split(part, maxsplit=1)[0] for part in rest)
    before = first.rstrip(SCHEME) if "://" in word else first
    return " ".join((before, *hosts))


def remove_address(word: str) -> str:
    """The word without e-mail addresses. A part is an address if a dot follows its @, also in a later part."""
    hosts = iter(["." in text.strip(".") for text in word.split("@")[1:]])
    return "".join(" " if any(list(islice(hosts, part.count("@")))) else part for part in AROUND_ADDRESS.split(word))


def cut(name: str) -> str:
    """The name, with three dots in place of what is too long. A letter keeps its accents."""
    if len(name) <= LONGEST_NAME:
        return name
    end = LONGEST_NAME - 1
    while end > 1 and (unicodedata.combining(name[end]) or name[end] in JOINERS or name[end - 1] in JOINERS):
        end -= 1
    return name[:end].rstrip() + "…"
