"""VAT numbers of the European Union: the member state of a number, and a check of its form and check digits."""

from collections.abc import Mapping
from dataclasses import dataclass

from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.util import clean

from app.countries import country_code as find_country_code

SEPARATORS = " -./:"
LONGEST = 20
"""More characters than any VAT number has, its prefix included."""

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
NORTHERN_IRELAND = "northern ireland"


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
    for its prefix, the prefix decides.
    """
    states = _candidate_states(text, country_code, country)
    if not states:
        return OfflineResult(None, None, "No member state of the European Union is known for the number")
    results = [_check_for(state, text) for state in states]
    return next((result for result in results if result.valid), results[0])


def _candidate_states(text: str, country_code: str | None, country: str | None) -> list[str]:
    """The member states that the number may belong to, the most likely first."""
    code, prefix = _state_of(country_code or ""), _state_of_code(_compact(text)[:2])
    states = (code, prefix) if (country_code or "").strip() else (prefix, _state_of(country or ""))
    return list(dict.fromkeys(state for state in states if state))


def _state_of(text: str) -> str | None:
    """The member state for a country's code or name."""
    name = text.strip().casefold()
    if name == NORTHERN_IRELAND:
        return "XI"
    return _state_of_code(name.upper()) or _state_of_code(find_country_code(name) or "")


def _state_of_code(code: str) -> str | None:
    state = "EL" if code == "GR" else code
    return state if state in STATES else None


def _compact(text: str) -> str:
    return clean(text, SEPARATORS).strip().upper()


def _check_for(state: str, text: str) -> OfflineResult:
    number = _compact(text)
    has_prefix = number.startswith(("EL", "GR") if state == "EL" else state)
    if len(number) > LONGEST:
        return OfflineResult(None, False, f"The number is longer than any VAT number of {state}")
    try:
        valid = vat.validate(state + number[2 * has_prefix :])
    except ValidationError as error:
        return OfflineResult(None, False, f"Not a VAT number of {state}: {ERRORS.get(type(error), WRONG_FORM)}")
    return OfflineResult(VatNumber(state, valid[2:]), True)
