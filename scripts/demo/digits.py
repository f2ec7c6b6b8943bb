"""Numbers that look right: patterns, check digits of tax numbers, IBANs."""

from collections.abc import Callable, Sequence
from random import Random

LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
"""The letters that may end a British post code; the other countries allow them too."""


def fill_pattern(rng: Random, pattern: str) -> str:
    """`#` becomes a digit, `%` a digit from 1, `?` a letter; everything else stays."""
    alphabets = {"#": "0123456789", "%": "123456789", "?": LETTERS}
    return "".join(rng.choice(alphabets[sign]) if sign in alphabets else sign for sign in pattern)


def fill_digits(digits: str, form: str) -> str:
    """Replaces each `#` of the form with a digit, in order; the last of `digits` are used."""
    remaining = iter(digits[-form.count("#") :])
    return "".join(next(remaining) if sign == "#" else sign for sign in form)


def make_iban(country: str, bban: str) -> str:
    """ISO 13616: two check digits make the whole, read as letters A = 10 … Z = 35, leave 1 when divided by 97."""
    number = "".join(str(int(sign, 36)) for sign in f"{bban}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{bban}"


def draw_number(rng: Random, pattern: str, rule: str) -> str:
    """Draws digits by the pattern and completes them with the named rule, until a draw has check digits."""
    while True:
        number = RULES[rule](fill_pattern(rng, pattern))
        if number is not None:
            return number


def _weigh(payload: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(payload, weights, strict=True))


def _luhn(payload: str) -> str:
    odd, even = payload[-1::-2], payload[-2::-2]
    total = sum(sum(divmod(2 * int(digit), 10)) for digit in odd) + sum(map(int, even))
    return f"{payload}{-total % 10}"


def _mod11_10(payload: str) -> str:
    """ISO 7064 MOD 11,10: Croatia, Germany, Serbia."""
    product = 10
    for digit in payload:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return f"{payload}{(11 - product) % 10}"


def _mod97(payload: str) -> str:
    """ISO 7064 MOD 97-10: national check digits of bank accounts."""
    return f"{payload}{98 - int(payload) * 100 % 97:02d}"


def _slovenia(payload: str) -> str | None:
    check = 11 - _weigh(payload, range(8, 1, -1)) % 11
    return None if check == 11 else f"{payload}{check % 10}"


def _austria(payload: str) -> str:
    total = 4 + sum(
        sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(payload, (1, 2, 1, 2, 1, 2, 1), strict=True)
    )
    return f"{payload}{-total % 10}"


def _switzerland(payload: str) -> str | None:
    check = -_weigh(payload, (5, 4, 3, 2, 7, 6, 5, 4)) % 11
    return None if check == 10 else f"{payload}{check}"


def _france(payload: str) -> str:
    """A two-digit key before the nine digits of the company number, which end in their own check digit."""
    siren = _luhn(payload)
    return f"{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def _poland(payload: str) -> str | None:
    check = _weigh(payload, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
    return None if check == 10 else f"{payload}{check}"


def _czechia(payload: str) -> str:
    return f"{payload}{(11 - _weigh(payload, range(8, 1, -1)) % 11) % 10}"


def _greece(payload: str) -> str:
    return f"{payload}{_weigh(payload, [2**power for power in range(8, 0, -1)]) % 11 % 10}"


def _bulgaria(payload: str) -> str:
    check = _weigh(payload, range(1, 9)) % 11
    if check == 10:
        check = _weigh(payload, range(3, 11)) % 11 % 10
    return f"{payload}{check}"


def _japan(payload: str) -> str:
    return f"{9 - _weigh(payload, (2, 1) * 6) % 9}{payload}"


def _korea(payload: str) -> str:
    total = _weigh(payload, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(payload[-1]) * 5 // 10
    return f"{payload}{-total % 10}"


def _britain(payload: str) -> str:
    return f"{payload}{97 - _weigh(payload, range(8, 1, -1)) % 97:02d}"


def _netherlands(payload: str) -> str | None:
    check = _weigh(payload, range(9, 1, -1)) % 11
    return None if check == 10 else f"{payload}{check}"


RULES: dict[str, Callable[[str], str | None]] = {
    "none": str,
    "luhn": _luhn,
    "mod11_10": _mod11_10,
    "mod97": _mod97,
    "si": _slovenia,
    "at": _austria,
    "ch": _switzerland,
    "fr": _france,
    "pl": _poland,
    "cz": _czechia,
    "gr": _greece,
    "bg": _bulgaria,
    "jp": _japan,
    "kr": _korea,
    "gb": _britain,
    "nl": _netherlands,
}
"""Rule name -> function that returns the payload with its check digits, or None if no check digits exist for it."""
