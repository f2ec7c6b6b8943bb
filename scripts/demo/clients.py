"""The demo clients: invented, the same every time, in many countries and scripts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from scripts.demo.countries import Place, Trap, load_material
from scripts.demo.names import Identity, draw_identity, draw_trap
from scripts.demo.values import Values, draw_values

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
FIRST_TRAP, TRAP_EVERY = 10, 50


def demo_clients(count: int = 1000, seed: int = 1, now: datetime = MOMENT) -> Iterator[Values]:
    """Column values of `count` clients, oldest first; the caller adds organization_id and id.

    The same arguments give the same clients. Names are distinct. Every dict has the same keys; an absent value is None,
    absent metadata {}. `created_at` lies in the three years before `now` (an aware moment), in whole milliseconds.
    """
    rng = Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret
    seen = {trap.name for trap in load_material().traps}
    for index in range(count):
        place, identity = _draw_subject(rng, index, seen)
        age = SPAN * ((count - index - rng.random()) / count)
        yield draw_values(rng, place, identity) | {"created_at": _cut_to_milliseconds(now - age)}


def _draw_subject(rng: Random, index: int, seen: set[str]) -> tuple[Place, Identity]:
    places = load_material().places
    trap = _trap_at(index)
    if trap:
        return next(place for place in places if place.code == trap.code), draw_trap(rng, trap)
    place = rng.choices(places, [place.share for place in places])[0]
    return place, draw_identity(rng, place, seen)


def _trap_at(index: int) -> Trap | None:
    turn, offset = divmod(index, TRAP_EVERY)
    traps = load_material().traps
    return traps[turn] if offset == FIRST_TRAP and turn < len(traps) else None


def _cut_to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
