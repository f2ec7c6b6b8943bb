"""Invisible characters: white space, control and format characters, and the letters that show nothing."""

from unicodedata import category

HIDDEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""The categories of Unicode whose characters leave no mark."""

FILLERS = (
    range(0x034F, 0x0350),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x2065, 0x2066),
    range(0x2800, 0x2801),
    range(0x3164, 0x3165),
    range(0xFE00, 0xFE10),
    range(0xFFA0, 0xFFA1),
    range(0xFFF0, 0xFFF9),
    range(0xE0000, 0xE1000),
)
"""The other characters with the property Default_Ignorable_Code_Point, such as U+3164 HANGUL FILLER, and U+2800 BRAILLE
PATTERN BLANK. Source: DerivedCoreProperties.txt of Unicode."""


def is_invisible(character: str) -> bool:
    if "!" <= character <= "~":
        return False
    return category(character) in HIDDEN or any(ord(character) in filler for filler in FILLERS)


def has_visible_character(text: str) -> bool:
    """True if any character of a text leaves a mark."""
    return not all(map(is_invisible, text))


def trim(text: str) -> str:
    """The text without invisible characters at both ends."""
    start, end = 0, len(text)
    while start < end and is_invisible(text[start]):
        start += 1
    while start < end and is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]
