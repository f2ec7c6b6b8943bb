"""A loop over many records lets other tasks run."""

import asyncio

import pytest

from app.records.turns import in_turns


async def test_all_items_come_in_order() -> None:
    assert [item async for item in in_turns(range(1000))] == list(range(1000))
    assert [item async for item in in_turns(range(0))] == []


async def test_other_tasks_run_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    turns_taken = 0

    async def other() -> None:
        nonlocal turns_taken
        while True:
            turns_taken += 1
            await asyncio.sleep(0)

    monkeypatch.setattr("app.records.turns.monotonic", lambda: float(next(clock)))
    task = asyncio.create_task(other())
    try:
        async for _ in in_turns(range(50)):
            pass
    finally:
        task.cancel()
    assert turns_taken >= 50
