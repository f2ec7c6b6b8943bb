"""Accept and Accept-Encoding: lists with qualities, however they are spelled."""

import pytest

from app.http.preferences import Preference, accepts_gzip, read_preferences


@pytest.mark.parametrize(
    ("lines", "preferences"),
    [
        ([], []),
        (["", " , ,"], []),
        (["A/B, c"], [("a/b", 1.0), ("c", 1.0)]),
        (["a", "b;q=0.5"], [("a", 1.0), ("b", 0.5)]),
        (["a ;  Q = 0.25 , b;q=0"], [("a", 0.25), ("b", 0.0)]),
        (["a;q=0.000;x=1,b;x=1;q=.5,c;q=1.,d;q=0.0000"], [("a", 0.0), ("b", 0.5), ("c", 1.0), ("d", 0.0)]),
        (["a;q=7,b;q=x,c;q,d;q=-1,e;q="], [("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0), ("e", 1.0)]),
        (['a;profile="x,y;q=0",b;p="\\",";q=0.1'], [("a", 1.0), ("b", 0.1)]),
        (['a;x="open, b'], [("a", 1.0)]),
    ],
)
def test_a_header_is_read(lines: list[str], preferences: list[tuple[str, float]]) -> None:
    assert read_preferences(lines) == [Preference(*preference) for preference in preferences]


@pytest.mark.parametrize(
    ("lines", "accepted"),
    [
        ([], False),
        ([""], False),
        (["gzip"], True),
        (["deflate, br"], False),
        (["br", "X-GZIP;q=0.1"], True),
        (["*"], True),
        (["*;q=0"], False),
        (["gzip;q=0, *"], False),
        (["*;q=0, gzip"], True),
        (["identity"], False),
        (["identity;q=0"], False),
        (["identity;q=0, gzip;q=0.1"], True),
        (["gzip;q=0.5, identity"], False),
        (["gzip, identity"], True),
        (["gzip;q=0.5, identity;q=0.4"], True),
        (["gzip;q=0.000"], False),
    ],
)
def test_gzip_is_accepted_by_its_quality(lines: list[str], accepted: bool) -> None:
    assert accepts_gzip(lines) is accepted
