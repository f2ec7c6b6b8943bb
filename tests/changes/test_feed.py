"""A feed: a follower that reads dropped changes from the table sees every change once, in order."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from app.changes.feed import GROUP, Feed
from app.changes.record import Change, PastChange, Position

START = Position(0, "e")


def change(number: int, client: str = "a", action: str = "updated", image: str = "{}") -> Change:
    shown = None if action == "erased" else image
    past = PastChange(number, "home", client, action, "test", False, "{}", None, shown, "")
    return Change(number, past, past, "e")


steps = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), max_size=30)


@given(steps, st.integers(1, 6), st.integers(1, 40))
def test_a_follower_at_any_pace_misses_nothing_and_sees_nothing_twice(
    pace: list[tuple[int, int]], most: int, room: int
) -> None:
    feed, kept, seen, reached = Feed(START, max_changes=most, max_characters=room), list[Change](), list[int](), 0

    def take() -> bool:
        nonlocal reached
        replayed = next((stored for stored in kept if stored.number > reached), None)
        following = replayed if reached < feed.floor else feed.next(reached)
        if following is not None:
            seen.append(following.number)
            reached = following.number
        return following is not None

    for added, taken in pace:
        new = [change(len(kept) + 1 + index) for index in range(added)]
        kept += new
        feed.extend(new, len(kept))
        for _ in range(taken):
            take()
    while take():
        pass
    assert seen == [stored.number for stored in kept]


@given(st.lists(st.integers(0, 30), max_size=30), st.integers(1, 5), st.integers(1, 100))
def test_a_feed_stays_within_its_bounds(sizes: list[int], most: int, room: int) -> None:
    feed = Feed(START, max_changes=most, max_characters=room)
    for number, size in enumerate(sizes, 1):
        feed.extend([change(number, image="x" * size)], number)
        held, number = [], feed.floor
        while (following := feed.next(number)) is not None:
            held.append(following)
            number = following.number
        assert len(held) <= most
        assert sum(each.size for each in held) <= room


def test_an_erased_person_is_forgotten() -> None:
    feed = Feed(START)
    feed.extend([change(1, "a"), change(2, "b"), change(3, "a")], 3)
    late = change(1, "a")
    assert feed.redact(late).client.after == "{}"
    feed.extend([change(4, "a", "erased"), change(5, "a")], 5)
    assert [feed.next(number).client.after for number in range(5)] == [None, "{}", None, None, "{}"]  # type: ignore[union-attr]
    assert feed.redact(late).client.after is None


def test_a_feed_knows_the_number_up_to_which_its_changes_are_settled() -> None:
    feed = Feed(START)
    feed.extend([change(3)], 7)
    feed.extend([], 9)
    assert (feed.floor, feed.settled) == (0, 9)


async def test_followers_wake_in_groups() -> None:
    """All at once, 2,000 of them would hold the event loop."""
    feed, awake = Feed(START), list[int]()

    async def follow() -> None:
        await feed.wait_for_changes()
        awake.append(1)

    followers = [asyncio.create_task(follow()) for _ in range(3 * GROUP + 1)]
    await asyncio.sleep(0)
    feed.extend([change(1)], 1)
    rounds = []
    while len(awake) < len(followers):
        before = len(awake)
        await asyncio.sleep(0)
        rounds.append(len(awake) - before)
    assert max(rounds) == GROUP
    await asyncio.gather(*followers)


async def test_a_follower_that_leaves_is_forgotten() -> None:
    feed = Feed(START)
    follower = asyncio.create_task(feed.wait_for_changes())
    await asyncio.sleep(0)
    assert len(feed._waiting) == 1
    follower.cancel()
    await asyncio.wait([follower])
    assert not feed._waiting
