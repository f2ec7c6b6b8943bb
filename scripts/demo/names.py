"""Names of invented companies and people, and the e-mail addresses and domains made from the names."""

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from scripts.demo.countries import Country, TrickyClient, Word, load_source_data, make_slug

PRIVATE_SHARE = 0.2


@dataclass(frozen=True)
class Identity:
    """The name and addresses of a client. `slug` is the ASCII name of its domain; a person has a mailbox at a provider."""

    name: str
    slug: str
    email: str
    is_person: bool
    note: str | None = None


def draw_identity(rng: Random, country: Country, seen: set[str]) -> Identity:
    """Draws a person or a company whose name is not in `seen`, and adds the name to `seen`."""
    draw = _draw_private if rng.random() < PRIVATE_SHARE else _draw_company
    return _draw_unseen(lambda: draw(rng, country), seen)


def draw_tricky(rng: Random, tricky: TrickyClient) -> Identity:
    """Returns the company of a tricky client, under its own name."""
    slug = make_slug(tricky.name) or f"shop-{tricky.code.lower()}"
    return Identity(tricky.name, slug, _company_mail(rng, slug), False, tricky.note)


def draw_person(rng: Random, country: Country) -> Word:
    """Draws a given and a family name, in the order of the country."""
    parts = _draw_people(rng, country, rng.choice(("men", "women")))
    return Word(country.person.format(**_texts(parts)), f"{parts['given'].latin} {parts['family'].latin}")


def _draw_unseen(draw: Callable[[], Identity], seen: set[str]) -> Identity:
    """Draws up to 20 times for a new name, then appends a number to the name."""
    for attempt in count():
        identity = draw()
        name = identity.name if attempt < 20 else f"{identity.name} {attempt - 18}"
        if name not in seen:
            break
    seen.add(name)
    return replace(identity, name=name)


def _draw_private(rng: Random, country: Country) -> Identity:
    person = draw_person(rng, country)
    mailbox = rng.choice(load_source_data().common["mailboxes"])
    local = make_slug(person.latin, ".")
    return Identity(person.text, make_slug(person.latin), f"{local}@{mailbox}.example", True)


def _draw_company(rng: Random, country: Country) -> Identity:
    pattern = rng.choice(country.companies)
    parts = _draw_company_parts(rng, country, pattern)
    named = list(dict.fromkeys(field for _, field, _, _ in string.Formatter().parse(pattern) if field))
    slug = make_slug(" ".join(parts[field].latin for field in named[:2]))
    return Identity(pattern.format(**_texts(parts)), slug, _company_mail(rng, slug), False)


def _draw_company_parts(rng: Random, country: Country, pattern: str) -> dict[str, Word]:
    """Draws the words of a company name. A sole trader is a man or a woman; a firm takes the male form of a family name."""
    people = _draw_people(rng, country, rng.choice(("men", "women")) if "{given}" in pattern else "men")
    others = [family for family in country.families if _family(family, "men") != people["family"]]
    return people | {
        "partner": _family(rng.choice(others), "men"),
        "brand": Word.read(rng.choice(country.starts)) + Word.read(rng.choice(country.ends)),
        "trade": Word.read(rng.choice(country.trades)),
    }


def _draw_people(rng: Random, country: Country, gender: str) -> dict[str, Word]:
    given = rng.choice(country.men if gender == "men" else country.women)
    return {"given": Word.read(given), "family": _family(rng.choice(country.families), gender)}


def _family(entry: str, gender: str) -> Word:
    male, _, female = entry.partition("/")
    return Word.read(female if female and gender == "women" else male)


def _company_mail(rng: Random, slug: str) -> str:
    return f"{rng.choice(load_source_data().common['roles'])}@{slug}.example"


def _texts(parts: Mapping[str, Word]) -> dict[str, str]:
    return {field: word.text for field, word in parts.items()}
