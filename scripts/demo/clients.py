"""The demo clients: invented, the same every time, in many countries and scripts."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from app.demo import WRITTEN_AT
from scripts.demo.countries import Country, TrickyClient, load_source_data
from scripts.demo.names import Identity, draw_identity, draw_tricky
from scripts.demo.values import Values, draw_values

SPAN = timedelta(days=3 * 365)
FIRST_TRICKY, TRICKY_EVERY = 10, 50


def generate_clients(count: int = 1000, seed: int = 1) -> Iterator[Values]:
    """Yields the column values of `count` clients, oldest first, without organization_id, id and updated_at.

    The same arguments give the same clients. Names are distinct. Every dict has the same keys; an absent value is None,
    absent metadata {}. `created_at` lies in the three years before WRITTEN_AT, in whole milliseconds.
    """
    rng = Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret
    seen = {tricky.name for tricky in load_source_data().tricky_clients}
    for index in range(count):
        country, identity = _draw_subject(rng, index, seen)
        age = SPAN * ((count - index - rng.random()) / count)
        yield draw_values(rng, country, identity) | {"created_at": _cut_to_milliseconds(WRITTEN_AT - age)}


def _draw_subject(rng: Random, index: int, seen: set[str]) -> tuple[Country, Identity]:
    countries = load_source_data().countries
    tricky = _tricky_at(index)
    if tricky:
        return next(country for country in countries if country.code == tricky.code), draw_tricky(rng, tricky)
    country = rng.choices(countries, [country.share for country in countries])[0]
    return country, draw_identity(rng, country, seen)


def _tricky_at(index: int) -> TrickyClient | None:
    turn, offset = divmod(index, TRICKY_EVERY)
    tricky_clients = load_source_data().tricky_clients
    return tricky_clients[turn] if offset == FIRST_TRICKY and turn < len(tricky_clients) else None


def _cut_to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
