"""A feed: whatever it forgets, a follower that falls back on the whole record sees every change once, in order."""

from hypothesis import given
from hypothesis import strategies as st

from app.changes.feed import Feed
from app.changes.record import Change


def change(number: int, client: str = "a", action: str = "updated", image: str = "{}") -> Change:
    shown = None if action == "erased" else image
    return Change(number, number, "home", client, number, action, "test", "", shown, shown, shown)


steps = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), max_size=30)


@given(steps, st.integers(1, 6), st.integers(1, 40))
def test_a_follower_at_any_pace_misses_nothing_and_sees_nothing_twice(
    pace: list[tuple[int, int]], most: int, room: int
) -> None:
    feed, kept, seen, reached = Feed(0, most=most, room=room), list[Change](), list[int](), 0

    def take() -> bool:
        nonlocal reached
        again = next((one for one in kept if one.number > reached), None)
        found = again if reached < feed.floor else feed.next(reached)
        if found is not None:
            seen.append(found.number)
            reached = found.number
        return found is not None

    for added, taken in pace:
        new = [change(len(kept) + 1 + index) for index in range(added)]
        kept += new
        feed.extend(new)
        for _ in range(taken):
            take()
    while take():
        pass
    assert seen == [one.number for one in kept]


@given(st.lists(st.integers(0, 30), max_size=30), st.integers(1, 5), st.integers(1, 100))
def test_a_feed_stays_within_its_bounds(sizes: list[int], most: int, room: int) -> None:
    feed = Feed(0, most=most, room=room)
    for number, size in enumerate(sizes, 1):
        feed.extend([change(number, image="x" * size)])
        held, number = [], feed.floor
        while (one := feed.next(number)) is not None:
            held.append(one)
            number = one.number
        assert len(held) <= most
        assert sum(one.size for one in held) <= room


def test_an_erased_person_is_forgotten() -> None:
    feed = Feed(0)
    feed.extend([change(1, "a"), change(2, "b"), change(3, "a")])
    late = change(1, "a")
    assert feed.shown(late).after == "{}"
    feed.extend([change(4, "a", "erased"), change(5, "a")])
    assert [feed.next(number).after for number in range(5)] == [None, "{}", None, None, "{}"]  # type: ignore[union-attr]
    assert feed.shown(late).after is None


def test_what_was_not_read_for_it_is_below_its_floor() -> None:
    feed = Feed(0)
    feed.extend([change(1)])
    feed.skip(9)
    assert feed.floor == 9
    assert feed.next(9) is None
