"""National numbers: the forms of tax and register numbers inside a member state, and the rules that make VAT numbers of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stdnum.at import tin as at_tax
from stdnum.be import ssn as be_person
from stdnum.de import idnr as de_person
from stdnum.de import stnr as de_tax
from stdnum.dk import cpr as dk_person
from stdnum.ee import ik as ee_person
from stdnum.ee import registrikood as ee_register
from stdnum.fi import hetu as fi_person
from stdnum.fr import nif as fr_person
from stdnum.fr import siren as fr_register
from stdnum.gb import utr as gb_tax
from stdnum.gr import amka as gr_person
from stdnum.it import codicefiscale as it_person
from stdnum.lt import asmens as lt_person
from stdnum.pl import pesel as pl_person
from stdnum.pl import regon as pl_register
from stdnum.se import orgnr as se_register
from stdnum.si import emso as si_person
from stdnum.si import maticna as si_register


@dataclass(frozen=True, slots=True)
class Conversion:
    """Makes a VAT number of a national number whose form is `form`. The check digits are checked afterwards."""

    form: re.Pattern[str]
    convert: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class OtherNumber:
    """A number that the member state uses, and of which no rule makes a VAT number."""

    name: str
    matches: Callable[[str], bool]


def _convert(form: str, convert: Callable[[str], str]) -> Conversion:
    return Conversion(re.compile(form), convert)


def _other(name: str, form: str) -> OtherNumber:
    """A number that is told by its form, because it has no check digits or no public rule for them."""
    pattern = re.compile(form)
    return OtherNumber(name, lambda number: pattern.fullmatch(number) is not None)


def _is_further_registration(number: str) -> bool:
    """True for a Swedish VAT number that ends in 02 to 94."""
    return len(number) == 12 and "02" <= number[10:] <= "94" and se_register.is_valid(number[:10])


CONVERSIONS: Mapping[str, tuple[Conversion, ...]] = {
    "AT": (_convert(r"[0-9]{8}", lambda number: f"U{number}"),),
    "BG": (_convert(r"[0-9]{13}", lambda number: number[:9]),),
    "DE": (_convert(r"[0-9]{9}0000[1-9]", lambda number: number[:9]),),
    "FI": (_convert(r"[0-9]{7}", lambda number: f"0{number}"),),
    "FR": (
        _convert(r"[0-9]{9}", fr_register.to_tva),
        _convert(r"[0-9]{14}", lambda number: fr_register.to_tva(number[:9])),
    ),
    "HU": (_convert(r"[0-9]{8}[1-5][0-9]{2}", lambda number: number[:8]),),
    "NL": (_convert(r"[0-9]{9}", lambda number: f"{number}B01"),),
    "SE": (
        _convert(r"[0-9]{10}", lambda number: f"{number}01"),
        _convert(r"16[0-9]{2}[2-9][0-9]{7}", lambda number: f"{number[2:]}01"),
        _convert(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{6}", lambda number: f"{number[2:]}01"),
    ),
}
"""By member state, the national numbers that become VAT numbers, when they are not VAT numbers already.

- AT: without the U.
- BG: the number of a branch has four digits more.
- DE: the economic identifier (W-IdNr) has five digits more.
- FI: an old number has one digit less.
- FR: SIREN, and SIRET with five digits more. VAT numbers have two check digits before it.
- HU: the domestic number ends in the kind of taxation and the county.
- NL: RSIN; the first VAT number that belongs to it ends in B01.
- SE: the number of an organization or a person, perhaps with a century (16 for organizations). VAT numbers end in 01.
"""

OTHERS: Mapping[str, tuple[OtherNumber, ...]] = {
    "AT": (
        OtherNumber("tax number (Steuernummer)", at_tax.is_valid),
        _other("company register number (Firmenbuchnummer)", r"(?:FN)?[0-9]{1,6}[A-Z]"),
    ),
    "BE": (
        OtherNumber("national register number of a person", be_person.is_valid),
        _other("number of an establishment", r"[2-8][0-9]{9}"),
    ),
    "CY": (_other("company register number", r"(?:HE|C)[0-9]{1,6}"),),
    "DE": (
        OtherNumber("tax identifier of a person (IdNr)", de_person.is_valid),
        OtherNumber("tax number (Steuernummer)", de_tax.is_valid),
        _other("company register number (Handelsregisternummer)", r"HR[AB][0-9]{1,6}[A-Z]{0,3}"),
    ),
    "DK": (
        OtherNumber("personal number (CPR)", dk_person.is_valid),
        _other("number of a production unit (P-nummer)", r"1[0-9]{9}"),
    ),
    "EE": (
        OtherNumber("register code (registrikood)", ee_register.is_valid),
        OtherNumber("personal code (isikukood)", ee_person.is_valid),
    ),
    "EL": (
        OtherNumber("social insurance number (AMKA)", gr_person.is_valid),
        _other("company register number (GEMI)", r"[0-9]{12}"),
    ),
    "FI": (
        OtherNumber("personal code (henkilötunnus)", lambda number: fi_person.is_valid(f"{number[:6]}-{number[6:]}")),
    ),
    "FR": (OtherNumber("tax number of a person (numéro fiscal)", fr_person.is_valid),),
    "HR": (_other("register number (MB or MBS)", r"[0-9]{8,9}"),),
    "HU": (
        _other("tax number of a person (adóazonosító jel)", r"8[0-9]{9}"),
        _other("company register number (cégjegyzékszám)", r"(?:0[1-9]|1[0-9]|20)[0-9]{8}"),
    ),
    "IE": (_other("company register number (CRO)", r"[0-9]{5,6}"),),
    "IT": (
        OtherNumber("tax code of a person (codice fiscale)", it_person.is_valid),
        _other("company register number (REA)", r"[A-Z]{2}[0-9]{6,7}"),
    ),
    "LT": (
        _other("company code (įmonės kodas)", r"[1-3][0-9]{6}[02-9][0-9]"),
        OtherNumber("personal code (asmens kodas)", lt_person.is_valid),
    ),
    "LU": (
        _other("national number (matricule)", r"(?:18|19|20)[0-9]{9}(?:[0-9]{2})?"),
        _other("company register number (RCS)", r"[A-L][0-9]{1,6}"),
    ),
    "MT": (
        _other("tax number of a person", r"[0-9]{1,7}[MGAPLHBZ]"),
        _other("company register number", r"C[0-9]{1,6}"),
    ),
    "NL": (_other("chamber of commerce number (KvK)", r"[0-9]{8}"),),
    "PL": (
        OtherNumber("personal number (PESEL)", pl_person.is_valid),
        OtherNumber("statistical number (REGON)", pl_register.is_valid),
        _other("company register number (KRS)", r"0000[0-9]{6}"),
    ),
    "PT": (_other("number of a citizen card", r"[0-9]{9}[A-Z0-9]{2}[0-9]"),),
    "RO": (_other("trade register number", r"[JFC][0-9]{6,14}"),),
    "SE": (OtherNumber("VAT number of a further registration", _is_further_registration),),
    "SI": (
        OtherNumber("register number (matična številka)", si_register.is_valid),
        OtherNumber("personal number (EMŠO)", si_person.is_valid),
    ),
    "SK": (_other("register number (IČO)", r"[0-9]{8}"),),
    "XI": (
        OtherNumber("unique taxpayer reference (UTR)", gb_tax.is_valid),
        _other("company number", r"(?:NI|R0)[0-9]{6}"),
    ),
}
"""By member state, the national numbers of which no rule makes a VAT number, although VAT numbers may be known for them.

In the states that are not named, every national tax number is a VAT number.
"""


def convert_number(state: str, number: str) -> str | None:
    """The VAT number, without its prefix, of a national number; None if it has no form that can be converted.

    The check digits are not checked.
    """
    conversions = (each for each in CONVERSIONS.get(state, ()) if each.form.fullmatch(number))
    return next((each.convert(number) for each in conversions), None)


def name_other_number(state: str, number: str) -> str | None:
    """The name of a national number that is not a VAT number, such as "register code (registrikood)"."""
    return next((each.name for each in OTHERS.get(state, ()) if each.matches(number)), None)
