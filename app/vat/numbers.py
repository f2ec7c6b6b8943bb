"""VAT numbers of the European Union: whose a number is, and whether its form and check digits are right."""

from collections.abc import Mapping
from dataclasses import dataclass

from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.util import clean

SEPARATORS = " -./:"
LONGEST = 20
"""More characters than any VAT number has, its prefix included."""

WRONG_FORM = "its form is wrong"
WRONG: Mapping[type[ValidationError], str] = {
    InvalidChecksum: "its check digits are wrong",
    InvalidLength: "its length is wrong",
}

NAMES: Mapping[str, tuple[str, ...]] = {
    "AT": ("austria", "österreich"),
    "BE": ("belgium", "belgië", "belgique", "belgien"),
    "BG": ("bulgaria", "българия"),
    "CY": ("cyprus", "κύπρος", "kıbrıs"),
    "CZ": ("czechia", "czech republic", "česko", "česká republika"),
    "DE": ("germany", "deutschland"),
    "DK": ("denmark", "danmark"),
    "EE": ("estonia", "eesti"),
    "EL": ("greece", "ελλάδα", "gr"),
    "ES": ("spain", "españa"),
    "FI": ("finland", "suomi"),
    "FR": ("france",),
    "HR": ("croatia", "hrvatska"),
    "HU": ("hungary", "magyarország"),
    "IE": ("ireland", "éire"),
    "IT": ("italy", "italia"),
    "LT": ("lithuania", "lietuva"),
    "LU": ("luxembourg", "luxemburg", "lëtzebuerg"),
    "LV": ("latvia", "latvija"),
    "MT": ("malta",),
    "NL": ("netherlands", "the netherlands", "nederland"),
    "PL": ("poland", "polska"),
    "PT": ("portugal",),
    "RO": ("romania", "românia"),
    "SE": ("sweden", "sverige"),
    "SI": ("slovenia", "slovenija"),
    "SK": ("slovakia", "slovensko"),
    "XI": ("northern ireland",),
}
"""The countries as VIES spells them, Greece as EL and Northern Ireland as XI; and their names, English and their own."""

STATES = {spelling: state for state, names in NAMES.items() for spelling in (state.lower(), *names)}


@dataclass(frozen=True, slots=True)
class VatNumber:
    """A number as VIES is asked for it: `country` is one of NAMES, `number` has neither prefix nor separators."""

    country: str
    number: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What can be said offline: `number` is given when it is right; `valid` is None when no country's rules apply."""

    number: VatNumber | None
    valid: bool | None
    message: str | None = None


def read_number(text: str, country_code: str | None, country: str | None) -> Reading:
    """Checks a tax number by the rules of its country, which are python-stdnum's.

    The country is that of `country_code`, else of the number's own prefix, else the one that `country` names. A number
    that is wrong there and right by its prefix is the prefix's: a company may be registered in another country than
    its own.
    """
    states = _states(text, country_code, country)
    if not states:
        return Reading(None, None, "No member state of the European Union is known for the number")
    readings = [_read_as(state, text) for state in states]
    return next((reading for reading in readings if reading.valid), readings[0])


def _states(text: str, country_code: str | None, country: str | None) -> list[str]:
    """The countries whose number it may be, the likeliest first."""
    code, prefix = (country_code or "").strip(), _compact(text)[:2]
    given = (code, prefix) if code else (prefix, (country or "").strip())
    return list(dict.fromkeys(STATES[one.casefold()] for one in given if one.casefold() in STATES))


def _compact(text: str) -> str:
    return clean(text, SEPARATORS).strip().upper()


def _read_as(state: str, text: str) -> Reading:
    number = _compact(text)
    own = number.startswith(("EL", "GR") if state == "EL" else state)
    if len(number) > LONGEST:
        return Reading(None, False, f"The number is longer than any of {state}")
    try:
        right = vat.validate(state + number[2 * own :])
    except ValidationError as error:
        return Reading(None, False, f"The number is not one of {state}: {WRONG.get(type(error), WRONG_FORM)}")
    return Reading(VatNumber(state, right[2:]), True)
