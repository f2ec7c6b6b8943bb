"""Terms: what a condition promises about the search text, and where it promises nothing."""

from typing import Any

import pytest

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT
from app.query import operators
from app.query.model import And, Compare, Not, Or, Predicate, Query
from app.query.search_terms import Term, query_terms, word_terms

CITY = Compare("city", operators.EQ, "Novo mesto")


def terms(where: Predicate) -> list[tuple[str, bool]]:
    return [(term.text, term.begins) for term in query_terms(Query(where), GRAPHQL_CLIENT)]


PROMISES: list[tuple[Predicate, list[tuple[str, bool]]]] = [
    (CITY, [("Novo", True), ("mesto", True)]),
    (Compare("city", operators.STARTS_WITH, "no"), [("no", True)]),
    (Compare("city", operators.CONTAINS, "ovo mesto"), [("ovo", False), ("mesto", True)]),
    (Compare("city", operators.CONTAINS, "no"), []),
    (Compare("city", operators.ENDS_WITH, "sto"), [("sto", False)]),
    (Compare("city", operators.LIKE, "no%m_st\\_o me"), [("no", True), ("me", True)]),
    (Compare("city", operators.LIKE, "%novo%"), [("novo", False)]),
    (Compare("phone", operators.EQ, "+386-40"), [("386", False)]),
    (And((CITY, Compare("tax_subject", operators.EQ, True))), [("Novo", True), ("mesto", True)]),
    (And((CITY, Compare("id", operators.EQ, "0" * 24))), []),
    (And((CITY, Compare("name", operators.EQ, "Ann"))), []),
    (Or((CITY, CITY)), []),
    (Not(CITY), []),
    (Not(Compare("city", operators.CONTAINS, "novo")), []),
    (Compare("city", operators.REGEX, "novo"), []),
    (Compare("city", operators.IN, ("Novo", "mesto")), []),
    (Compare("city", operators.GTE, "Novo"), []),
    (Compare("type", operators.EQ, "customer"), []),
    (Compare("unit_id", operators.EQ, "abcdef"), []),
]


@pytest.mark.parametrize(("where", "promised"), PROMISES, ids=str)
def test_condition_promises_the_words_of_its_value(where: Predicate, promised: list[tuple[str, bool]]) -> None:
    assert terms(where) == promised


@pytest.mark.parametrize(("value", "promised"), [("R-12", True), ("12", False), ("true", False), ('{"a": 1}', False)])
def test_value_inside_json_promises_only_what_no_number_and_no_document_is(value: str, promised: bool) -> None:
    """Numbers and documents are compared as they are spelled, and are not in the search text."""
    for face, column in ((CUSTOMER, "metadata"), (GRAPHQL_CLIENT, "custom")):
        where = Compare(column, operators.EQ, value, ("key",))
        assert bool(query_terms(Query(where), face)) is promised
        contains: Any = Compare(column, operators.CONTAINS, value, ("key",))
        assert query_terms(Query(contains), face) == ()


@pytest.mark.parametrize(
    ("word", "indexed"),
    [
        ("a", False),
        ("ab", False),
        ("abc", True),
        ("e\u0301a", False),
        ("e\u0301a\u0301bc", True),
        ("100%", True),
        ("a-b-c", False),
        ("%", False),
        ("北京", False),
        ("東京電", True),
        ("ﬃ", True),
        ("각", True),
        ("हि", False),
    ],
)
def test_index_looks_up_words_of_three_letters(word: str, indexed: bool) -> None:
    assert word_terms((word,)) == (Term(word, begins=False, indexed=indexed),)


@pytest.mark.parametrize(
    ("value", "promised"),
    [("cafe\u0301 noir", ["cafe\u0301", "noir"]), ("أَحْمَد", ["أَحْمَد"]), ("हिन्दी", ["हिन्दी"])],
)
def test_marks_do_not_split_words(value: str, promised: list[str]) -> None:
    assert [text for text, _ in terms(Compare("city", operators.EQ, value))] == promised
