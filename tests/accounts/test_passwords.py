"""Passwords: hashing, the event loop beside it, and the same time for an account that does not exist."""

import asyncio
import os
import sys
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from app.accounts.passwords import AT_ONCE, NICENESS, Passwords
from app.accounts.record import read_scopes, read_ttl
from app.auth import Scope
from app.config import Config
from app.errors import Invalid


async def test_the_real_profile_is_argon2id_as_rfc_9106_has_it() -> None:
    passwords = Passwords(Config().password_memory)
    stored = await passwords.hash("correct horse")
    assert extract_parameters(stored) == RFC_9106_LOW_MEMORY
    assert await passwords.verify(stored, "correct horse")
    assert not passwords.needs_rehash(stored)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own")
async def test_a_password_is_hashed_with_low_priority() -> None:
    passwords = Passwords(8)
    await passwords.hash("a long password")
    own = await asyncio.get_running_loop().run_in_executor(passwords.thread, threading.get_native_id)
    assert os.getpriority(os.PRIO_PROCESS, own) == NICENESS
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < NICENESS


async def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    passwords = Passwords(1)
    stored = await passwords.hash("caf\u00e9")
    assert await passwords.verify(stored, "cafe\u0301")
    for wrong in ("cafe", "Caf\u00e9", "caf\u00e9 ", "", "\ud800"):
        assert not await passwords.verify(stored, wrong)


async def test_a_hash_of_another_cost_is_verified_and_needs_rehash() -> None:
    stored = await Passwords(1).hash("x")
    grown = Passwords(2)
    assert await grown.verify(stored, "x")
    assert grown.needs_rehash(stored)


async def test_an_absent_hash_takes_as_long_and_never_matches() -> None:
    passwords = Passwords(3)
    assert extract_parameters(passwords.dummy_hash) == extract_parameters(await passwords.hash("x"))
    assert not await passwords.verify(None, "x")
    assert passwords.dummy_hash != Passwords(3).dummy_hash


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    steps = 0

    async def step() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    stepping = asyncio.create_task(step())
    await Passwords(1).hash("x")
    stepping.cancel()
    assert steps > 1


async def test_passwords_are_hashed_a_few_at_a_time() -> None:
    passwords, inside, most = Passwords(1), 0, 0
    opened = asyncio.Event()

    async def enter(source: int) -> None:
        nonlocal inside, most
        async with passwords.turn(str(source)):
            inside += 1
            most = max(most, inside)
            await opened.wait()
            inside -= 1

    entering = [asyncio.create_task(enter(source)) for source in range(10)]
    await asyncio.sleep(0)
    opened.set()
    await asyncio.gather(*entering)
    assert most == AT_ONCE


def test_python_and_argon2_agree_about_the_default_memory() -> None:
    assert PasswordHasher().memory_cost == Config().password_memory * 1024


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [
        (None, 1_209_600),
        ("", 1_209_600),
        (-1, -1),
        ("-1", -1),
        (60, 60),
        ("60", 60),
        (60.0, 60),
        (2**31 - 1, 2**31 - 1),
    ],
)
def test_a_ttl_is_seconds_or_no_end(ttl: object, seconds: int) -> None:
    assert read_ttl(ttl) == seconds


@pytest.mark.parametrize(
    "ttl", [0, -2, "0", "x", "1e3", "--1", "٣", 1.5, True, [60], {}, 2**31, "9" * 30, 1e300, float("inf")]
)
def test_any_other_ttl_is_rejected(ttl: object) -> None:
    with pytest.raises(Invalid) as error:
        read_ttl(ttl)
    assert error.value.field == "ttl"


def test_scopes_are_those_of_tokens() -> None:
    assert (
        read_scopes(None) is read_scopes([]) is read_scopes(["write"]) is read_scopes(["read", "write"]) is Scope.WRITE
    )
    assert read_scopes(["read"]) is Scope.READ
    wrongs: tuple[object, ...] = ("read", ["admin"], [1], {}, 5)
    for wrong in wrongs:
        with pytest.raises(Invalid):
            read_scopes(wrong)
