"""Names of invented companies and people, and the addresses on the net that follow from them."""

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from scripts.demo.countries import Place, Trap, Word, load_material, make_slug

PRIVATE_SHARE = 0.2


@dataclass(frozen=True)
class Identity:
    """Who the client is. `slug` is the ASCII name of its domain; a private person has a mailbox at a provider."""

    name: str
    slug: str
    email: str
    is_person: bool
    note: str | None = None


def draw_identity(rng: Random, place: Place, seen: set[str]) -> Identity:
    """A person or a company whose name is not in `seen`; the name is added there."""
    draw = _draw_private if rng.random() < PRIVATE_SHARE else _draw_company
    return _draw_unseen(lambda: draw(rng, place), seen)


def draw_trap(rng: Random, trap: Trap) -> Identity:
    """The company of a trap, under its own name."""
    slug = make_slug(trap.name) or f"shop-{trap.code.lower()}"
    return Identity(trap.name, slug, _company_mail(rng, slug), False, trap.note)


def draw_person(rng: Random, place: Place) -> Word:
    """Given and family name in the country's order."""
    parts = _draw_people(rng, place, rng.choice(("men", "women")))
    return Word(place.person.format(**_texts(parts)), f"{parts['given'].latin} {parts['family'].latin}")


def _draw_unseen(draw: Callable[[], Identity], seen: set[str]) -> Identity:
    """Twenty tries for a new name, then a number behind it."""
    for attempt in count():
        identity = draw()
        name = identity.name if attempt < 20 else f"{identity.name} {attempt - 18}"
        if name not in seen:
            break
    seen.add(name)
    return replace(identity, name=name)


def _draw_private(rng: Random, place: Place) -> Identity:
    person = draw_person(rng, place)
    mailbox = rng.choice(load_material().common["mailboxes"])
    local = make_slug(person.latin, ".")
    return Identity(person.text, make_slug(person.latin), f"{local}@{mailbox}.example", True)


def _draw_company(rng: Random, place: Place) -> Identity:
    pattern = rng.choice(place.companies)
    parts = _draw_company_parts(rng, place, pattern)
    named = list(dict.fromkeys(field for _, field, _, _ in string.Formatter().parse(pattern) if field))
    slug = make_slug(" ".join(parts[field].latin for field in named[:2]))
    return Identity(pattern.format(**_texts(parts)), slug, _company_mail(rng, slug), False)


def _draw_company_parts(rng: Random, place: Place, pattern: str) -> dict[str, Word]:
    """A sole trader is a man or a woman; a firm that carries a family's name takes its basic (male) form."""
    people = _draw_people(rng, place, rng.choice(("men", "women")) if "{given}" in pattern else "men")
    others = [family for family in place.families if _family(family, "men") != people["family"]]
    return people | {
        "partner": _family(rng.choice(others), "men"),
        "brand": Word.read(rng.choice(place.starts)) + Word.read(rng.choice(place.ends)),
        "trade": Word.read(rng.choice(place.trades)),
    }


def _draw_people(rng: Random, place: Place, gender: str) -> dict[str, Word]:
    given = rng.choice(place.men if gender == "men" else place.women)
    return {"given": Word.read(given), "family": _family(rng.choice(place.families), gender)}


def _family(entry: str, gender: str) -> Word:
    male, _, female = entry.partition("/")
    return Word.read(female if female and gender == "women" else male)


def _company_mail(rng: Random, slug: str) -> str:
    return f"{rng.choice(load_material().common['roles'])}@{slug}.example"


def _texts(parts: Mapping[str, Word]) -> dict[str, str]:
    return {field: word.text for field, word in parts.items()}
