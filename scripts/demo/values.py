"""The columns of one demo client: address, tax, bank and notes. Rates are shares of clients."""

from random import Random
from typing import TypeVar

from scripts.demo.countries import Country, load_source_data
from scripts.demo.digits import RULES, draw_number, fill_digits, fill_pattern, make_iban
from scripts.demo.names import Identity, draw_person

T = TypeVar("T")
Values = dict[str, object]


def draw_values(rng: Random, country: Country, identity: Identity) -> Values:
    """Draws every column except created_at. A private person has no contact, website, company or bank data."""
    trade = _draw_trade(rng, country, identity)
    if identity.is_person:
        trade = dict.fromkeys(trade) | {"tax_subject": False, "is_end_customer": True}
    return {
        "name": identity.name,
        "email": _maybe(rng, 0.88, identity.email),
        "note": identity.note or _draw_note(rng, country),
        "type": _draw_type(rng, identity),
        **_draw_address(rng, country),
        **trade,
        "custom": _maybe(rng, 0.2, _draw_custom(rng)),
        "metadata": _maybe(rng, 0.45, _draw_metadata(rng)) or {},
    }


def _maybe(rng: Random, rate: float, value: T) -> T | None:
    return value if rng.random() < rate else None


def _draw_note(rng: Random, country: Country) -> str | None:
    notes = country.notes if rng.random() < 0.75 else load_source_data().common["notes"]
    return _maybe(rng, 0.35, rng.choice(notes))


def _draw_type(rng: Random, identity: Identity) -> str | None:
    weights = [9, 0, 0, 2] if identity.is_person else [6, 2, 1, 2]
    return rng.choices(["customer", "supplier", "both", None], weights)[0]


def _draw_address(rng: Random, country: Country) -> Values:
    """Draws a consistent city, post code, state and phone; about one client in twelve has a country only."""
    city, zip_code, state, phone = rng.choice(country.cities)
    street = fill_pattern(rng, rng.choice(country.addresses)).format(street=rng.choice(country.streets))
    known = rng.random() < 0.92
    return {
        "address": street if known else None,
        "address2": _maybe(rng, 0.15, fill_pattern(rng, rng.choice(country.extras))) if known else None,
        "city": city if known else None,
        "zip": fill_pattern(rng, zip_code) or None if known else None,
        "state": state or None if known else None,
        "country": country.name,
        "country_alpha2_code": _maybe(rng, 0.85, country.code),
        "phone": _maybe(rng, 0.6, fill_pattern(rng, phone)),
    }


def _draw_trade(rng: Random, country: Country, identity: Identity) -> Values:
    return {
        "contact": _maybe(rng, 0.5, draw_person(rng, country).text),
        "website": _maybe(rng, 0.5, f"https://www.{identity.slug}.example"),
        "business_type": _maybe(rng, 0.4, rng.choice(load_source_data().common["business_types"])),
        "is_end_customer": _maybe(rng, 0.75, False),
        **_draw_tax(rng, country),
        **_draw_bank(rng, country),
    }


def _draw_tax(rng: Random, country: Country) -> Values:
    pattern, rule, form = country.tax
    digits = draw_number(rng, pattern, rule)
    shared = country.registry.startswith("=")
    registry = fill_digits(digits, country.registry[1:]) if shared else fill_pattern(rng, country.registry)
    taxed = rng.random() < 0.85
    return {
        "tax_number": fill_digits(digits, form) if taxed else None,
        "tax_subject": _maybe(rng, 0.9, taxed),
        "company_number": _maybe(rng, 0.6, registry or None),
    }


def _draw_bank(rng: Random, country: Country) -> Values:
    """Draws an IBAN where the country has them; the bank's name is sometimes absent, the SWIFT more often."""
    name, swift, account = rng.choice(country.banks)
    bban = RULES[country.bban_check](fill_pattern(rng, account))
    known = rng.random() < 0.5
    return {
        "iban": make_iban(country.code, bban) if known and bban else None,
        "bank": _maybe(rng, 0.8, name) if known else None,
        "swift": _maybe(rng, 0.65, swift) if known else None,
    }


def _draw_metadata(rng: Random) -> dict[str, str]:
    common = load_source_data().common
    values = {
        "crm_id": f"CRM-{rng.randrange(10_000, 100_000)}",
        "segment": rng.choice(common["segments"]),
        "source": rng.choice(common["sources"]),
    }
    return {key: values[key] for key in sorted(rng.sample(list(values), rng.randint(1, 3)))}


def _draw_custom(rng: Random) -> Values:
    delivery = {
        "gate": rng.randint(1, 9),
        "window": ["08:00", rng.choice(["12:00", "14:30"])],
        "lift": rng.random() < 0.5,
    }
    values: Values = {
        "delivery": delivery,
        "discount": rng.choice([2.5, 5, 7.5, 10]),
        "loyalty": {"tier": rng.choice(["bronze", "silver", "gold"]), "points": rng.randrange(5000)},
        "vip": rng.random() < 0.3,
    }
    return {key: values[key] for key in sorted(rng.sample(list(values), rng.randint(1, 3)))}
