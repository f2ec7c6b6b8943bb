"""Turns: sources are served in a circle, queues are bounded, and a cancelled job leaves its place."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.turns import MOST_WAITING, MOST_WAITING_OF_SOURCE, Turns
from app.errors import TooMany


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_source_with_many_jobs_delays_another_by_one_job() -> None:
    turns, order = Turns(1), list[str]()
    await turns.take("first")

    async def run(source: str) -> None:
        await turns.take(source)
        order.append(source)
        turns.give_back()

    jobs = [asyncio.create_task(run("greedy")) for _ in range(MOST_WAITING_OF_SOURCE)]
    await settle()
    jobs.append(asyncio.create_task(run("modest")))
    await settle()
    turns.give_back()
    await asyncio.gather(*jobs)
    assert order[:2] == ["greedy", "modest"]
    assert (turns.free, turns.waiting) == (1, 0)


async def test_a_source_has_a_few_waiting_jobs_and_the_next_is_rejected_at_once() -> None:
    turns = Turns(1)
    await turns.take("greedy")
    waiting = [asyncio.create_task(turns.take("greedy")) for _ in range(MOST_WAITING_OF_SOURCE)]
    await settle()
    with pytest.raises(TooMany) as rejected:
        await turns.take("greedy")
    assert rejected.value.retry_after == 1
    modest = asyncio.create_task(turns.take("modest"))
    await settle()
    for job in (*waiting, modest):
        job.cancel()
    await asyncio.gather(*waiting, modest, return_exceptions=True)
    assert turns.waiting == 0


async def test_the_queue_of_all_sources_is_bounded() -> None:
    turns = Turns(1)
    await turns.take("0")
    waiting = [asyncio.create_task(turns.take(str(number))) for number in range(MOST_WAITING)]
    await settle()
    with pytest.raises(TooMany):
        await turns.take("late")
    for job in waiting:
        job.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    turns.give_back()
    await turns.take("late")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["finish", "cancel", "cancel late"])), max_size=20))
@settings(max_examples=100, deadline=None)
def test_every_turn_comes_back(jobs: list[tuple[str, str]]) -> None:
    async def run() -> Turns:
        turns = Turns(2)

        async def work(source: str) -> None:
            await turns.take(source)
            try:
                await asyncio.sleep(0)
            finally:
                turns.give_back()

        tasks = []
        for source, end in jobs:
            tasks.append(asyncio.create_task(work(source)))
            if end == "cancel":
                tasks[-1].cancel()
        await asyncio.sleep(0)
        for task, (_, end) in zip(tasks, jobs, strict=True):
            if end == "cancel late":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return turns

    turns = asyncio.run(run())
    assert (turns.free, turns.waiting) == (2, 0)
