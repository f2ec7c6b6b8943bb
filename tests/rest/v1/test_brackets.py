"""Parameters in brackets, as qs reads them."""

from typing import Any

import pytest

from app.errors import Malformed
from app.rest.v1.brackets import MOST_PARAMETERS, TooManyBrackets, TooManyParameters, read_parameters


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", {"a": "1"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("=1&&a=2", {"a": "2"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a[]=1", {"a": ["1"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        ("a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        ("a[7]=x&a[3]=y", {"a": ["y", "x"]}),
        ("a[0]=x&a[0]=y", {"a": [["x", "y"]]}),
        ("a[]=x&a[1]=y", {"a": ["x", "y"]}),
        ("a[0][b]=1&a[0][c]=2&a[1][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0]=x&a[b]=y", {"a": {"0": "x", "b": "y"}}),
        ("a=x&a[b]=y", {"a": ["x", {"b": "y"}]}),
        ("a[b]=y&a=x", {"a": {"b": "y", "x": "true"}}),
        ("a[01]=x", {"a": {"01": "x"}}),
        ("a[-1]=x", {"a": {"-1": "x"}}),
        ("a[1000]=x", {"a": {"1000": "x"}}),
        ("a[b.c]=x", {"a": {"b.c": "x"}}),
        ("a%5Bb%5D%5B%5D=%C3%BC+%2B", {"a": {"b": ["ü +"]}}),
        ("a[b=c]=d", {"a": {"b=c": "d"}}),
        ("a=b=c", {"a": "b=c"}),
        ("a=100%", {"a": "100%"}),
        ("a=%ff", {"a": "%ff"}),
        ("a[b=1", {"a[b": "1"}),
        ("__proto__[x]=1", {"__proto__": {"x": "1"}}),
    ],
)
def test_a_query_string_becomes_values(text: str, value: Any) -> None:
    assert read_parameters(text, 20) == value


def test_only_the_wanted_names_are_read() -> None:
    assert read_parameters("a[b]=1&c=2&d" + "[e]" * 50 + "=3", 20, frozenset({"a"})) == {"a": {"b": "1"}}


@pytest.mark.parametrize("name", ["a[b]c", "a[b]]", "a[b][c", "a[[b]]", "a[b]["])
def test_a_name_of_which_a_part_would_be_lost_is_rejected(name: str) -> None:
    for wanted in (None, frozenset({"a"})):
        with pytest.raises(Malformed, match="must match"):
            read_parameters(f"{name}=1", 20, wanted)


def test_a_wanted_name_is_not_lost_for_an_open_bracket() -> None:
    assert read_parameters("b[c=1", 20, frozenset({"a"})) == {}
    with pytest.raises(Malformed):
        read_parameters("a[b=1", 20, frozenset({"a"}))


def test_long_lists_stay_lists_in_their_order() -> None:
    text = "&".join(f"a[{index}]={index}" for index in range(900))
    assert read_parameters(text, 20) == {"a": [str(index) for index in range(900)]}


def test_depth_and_number_are_capped() -> None:
    assert read_parameters("a" + "[b]" * 20 + "=1", 20)["a"] != ""
    with pytest.raises(TooManyBrackets):
        read_parameters("a" + "[b]" * 21 + "=1", 20)
    many = "&".join(["a=1"] * MOST_PARAMETERS)
    assert len(read_parameters(many, 20)["a"]) == MOST_PARAMETERS
    with pytest.raises(TooManyParameters):
        read_parameters(f"{many}&a=1", 20)
