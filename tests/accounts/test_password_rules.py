"""New passwords: their length, and the names and common passwords that are none."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.accounts.password_rules import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    common_passwords,
    find_weakness,
    password_problems,
)
from app.errors import ABSENT

NAMES = ("ana.novak@studio.example", "Ana", "Novak", "AnaNovak", "Studio Zelen d.o.o.", "Žiga")


def codes(password: object) -> list[str]:
    return [problem.code for problem in password_problems(password, NAMES)]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        (ABSENT, "presence"),
        (None, "presence"),
        ("", "presence"),
        (" " * 20, "presence"),
        ("\u200b" * 12, "presence"),
        (5, "type"),
        (["correct horse"], "type"),
        ({"neq": "x"}, "type"),
        ("x" * 73, "length"),
        ("\u00e9" * 37, "length"),
        ("a", "length.min"),
        ("9 letters", "length.min"),
        ("cafe\u0301 au l", "length.min"),
        ("password123", "exclusion"),
        ("ana.novak@studio.example", "exclusion"),
    ],
)
def test_what_is_wrong_with_a_password_does_not_repeat_it(password: object, code: str) -> None:
    (problem,) = password_problems(password, NAMES)
    assert (problem.field, problem.code) == ("password", code)
    assert problem.value in (ABSENT, None, "", "(hidden)")
    assert len(str(password)) < 2 or str(password) not in problem.message


@pytest.mark.parametrize(
    "password",
    [
        "qwertyuiop",
        "QwertyUiop",
        "1234567890",
        "Password123!",
        "P@ssw0rd2024",
        "Summer2024!",
        "!!dragonfly!!",
        "1qaz2wsx3edc",
    ],
)
def test_common_passwords_and_their_variants_are_rejected(password: str) -> None:
    assert codes(password) == ["exclusion"]


@pytest.mark.parametrize(
    "password",
    [
        "ANA.NOVAK@STUDIO.EXAMPLE",
        "ana.novak2024",
        "Ana-Novak 1!",
        "ananovak1234",
        "studio.example",
        "Studio Zelen d.o.o.",
        "studiozelendoo99",
        "$tudi0 Zelen d.o.o.",
        "clientele1",
    ],
)
def test_names_of_the_account_are_rejected(password: str) -> None:
    assert codes(password) == ["exclusion"]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "monkey-8473920174",
        "ana loves her studio",
        "8473920174",
        "Žiga in kolo 7",
        "パスワードではない長い文",
        "x" * LONGEST_PASSWORD,
        "!?" * 5,
    ],
)
def test_other_passwords_are_accepted(password: str) -> None:
    assert codes(password) == []


@given(st.text(max_size=100))
@settings(max_examples=200)
@example("\u1160" * 12)
def test_every_text_is_either_a_password_or_has_one_problem(password: str) -> None:
    if "\x00" not in password:
        problems = password_problems(password)
        assert len(problems) <= 1
        fits = len(password) >= SHORTEST_PASSWORD and len(password.encode()) <= LONGEST_PASSWORD
        assert fits or problems


def test_the_list_has_ten_thousand_lower_case_passwords_that_matter() -> None:
    passwords = common_passwords()
    assert 10_000 <= len(passwords) <= 12_000
    assert all(len(password) >= 5 and password == password.lower() for password in passwords)
    assert not any(re.search(r"\s", password) for password in passwords)


def test_an_account_without_names_has_only_common_passwords_to_avoid() -> None:
    assert find_weakness("correct horse", ()) is None
    assert find_weakness("correct horse", ("", "@", "Correct  Horse")) is not None
