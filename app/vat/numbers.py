"""VAT numbers of the European Union: the member state of a number, and a check of its form and check digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from unicodedata import category, normalize

from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from app.countries import find_country
from app.vat.national import convert_number, name_other_number

LONGEST = 20
"""More characters than any VAT number has, its prefix included."""
LONGEST_TEXT = 500
"""The most characters that are read of a text with a number and its separators."""

WRONG_FORM = "its form is wrong"
ERRORS: Mapping[type[ValidationError], str] = {
    InvalidChecksum: "its check digits are wrong",
    InvalidLength: "its length is wrong",
}

# fmt: off
STATES = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
)
# fmt: on
"""The member states as VIES spells them: Greece is EL, and Northern Ireland is XI."""
STATES_BY_CODE: Mapping[str, str] = {
    **{state: state for state in STATES},
    "GR": "EL",
    "AX": "FI",
    **dict.fromkeys(("GP", "MC", "MQ", "RE"), "FR"),
}
"""The member state of a country's code: places with a code of their own, and Monaco, have numbers of a member state."""
PREFIXES: Mapping[str, tuple[str, ...]] = {"EL": ("EL", "GR"), "XI": ("XI", "GB")}
"""The prefixes that the numbers of a member state may have, where they are not the state's code alone."""
SYMBOLS: Mapping[str, str] = {"IE": "+*"}
"""The characters beside letters and digits in the numbers of a member state; old Irish numbers have one."""


@dataclass(frozen=True, slots=True)
class VatNumber:
    """A number as VIES expects it: `country` is one of STATES; `number` has no prefix and no separators."""

    country: str
    number: str


@dataclass(frozen=True, slots=True)
class OfflineResult:
    """The result of the offline check.

    `number` is set only when the number is right. `valid` is None when no member state is known for the number.
    """

    number: VatNumber | None
    valid: bool | None
    message: str | None = None


def check_offline(text: str, country_code: str | None, country: str | None) -> OfflineResult:
    """Checks a tax number by the rules of its member state. The rules are those of python-stdnum.

    The member state comes from `country_code`, else from the number's own prefix, else from the name in `country`.
    A company may be registered in another country than its own: when the number is wrong for `country_code` and right
    for its prefix, the prefix decides. A national number is converted, or it is valid as None with a message.
    """
    text = text[:LONGEST_TEXT]
    states = _candidate_states(compact_number(text), country_code, country)
    if not states:
        return OfflineResult(None, None, "No member state of the European Union is known for the number")
    results = [_check_for(state, text) for state in states]
    return next((result for valid in (True, None) for result in results if result.valid is valid), results[0])


def compact_number(text: str, symbols: str = "") -> str:
    """The number in upper case: only its letters and digits, as duplicates compare it, and the given symbols.

    Digits and letters of full width become ordinary ones.
    """
    letters = normalize("NFKD", text).upper()
    return "".join(letter for letter in letters if category(letter)[0] in "LN" or letter in symbols)


def _candidate_states(number: str, country_code: str | None, country: str | None) -> list[str]:
    """The member states that the number may belong to, the most likely first."""
    code, prefix = _state_of(country_code), _state_of_prefix(number)
    states = (code, prefix) if (country_code or "").strip() else (prefix, _state_of(country))
    return list(dict.fromkeys(state for state in states if state))


def _state_of(text: str | None) -> str | None:
    """The member state for a country's code or name."""
    return STATES_BY_CODE.get(find_country(text) or "")


def _check_for(state: str, text: str) -> OfflineResult:
    number = _drop_prefix(state, compact_number(text, SYMBOLS.get(state, "")))
    if len(number) > LONGEST:
        return OfflineResult(None, False, f"The number is longer than any VAT number of {state}")
    wrong = WRONG_FORM
    for candidate in (number, convert_number(state, number)):
        try:
            return OfflineResult(_validate(state, candidate or number), True)
        except ValidationError as error:
            wrong = ERRORS.get(type(error), WRONG_FORM)
    name = name_other_number(state, number)
    if name is not None:
        return OfflineResult(None, None, f"Not a VAT number of {state}: it has the form of a {name}")
    return OfflineResult(None, False, f"Not a VAT number of {state}: {wrong}")


def _state_of_prefix(number: str) -> str | None:
    return "EL" if number.startswith("GR") else next((state for state in STATES if number.startswith(state)), None)


def _drop_prefix(state: str, number: str) -> str:
    prefix = next((prefix for prefix in PREFIXES.get(state, (state,)) if number.startswith(prefix)), "")
    return number.removeprefix(prefix)


def _validate(state: str, number: str) -> VatNumber:
    """Raises ValidationError."""
    return VatNumber(state, vat.validate(state + number)[2:])
