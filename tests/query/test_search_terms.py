"""Terms: what a condition promises about the search text, and where it promises nothing."""

from typing import Any

import pytest

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT
from app.query.model import And, Compare, Not, Operator, Or, Predicate, Query
from app.query.search_terms import Term, query_terms, word_terms

CITY = Compare("city", Operator.EQ, "Novo mesto")


def terms(where: Predicate) -> list[tuple[str, bool]]:
    return [(term.text, term.begins) for term in query_terms(Query(where), GRAPHQL_CLIENT)]


PROMISES: list[tuple[Predicate, list[tuple[str, bool]]]] = [
    (CITY, [("Novo", True), ("mesto", True)]),
    (Compare("city", Operator.STARTS_WITH, "no"), [("no", True)]),
    (Compare("city", Operator.CONTAINS, "ovo mesto"), [("ovo", False), ("mesto", True)]),
    (Compare("city", Operator.CONTAINS, "no"), []),
    (Compare("city", Operator.ENDS_WITH, "sto"), [("sto", False)]),
    (Compare("city", Operator.LIKE, "no%m_st\\_o me"), [("no", True), ("me", True)]),
    (Compare("city", Operator.LIKE, "%novo%"), [("novo", False)]),
    (Compare("phone", Operator.EQ, "+386-40"), [("386", False)]),
    (And((CITY, Compare("tax_subject", Operator.EQ, True))), [("Novo", True), ("mesto", True)]),
    (And((CITY, Compare("id", Operator.EQ, "0" * 24))), []),
    (And((CITY, Compare("name", Operator.EQ, "Ann"))), []),
    (Or((CITY, CITY)), []),
    (Not(CITY), []),
    (Compare("city", Operator.REGEX, "novo"), []),
    (Compare("city", Operator.IN, ("Novo", "mesto")), []),
    (Compare("city", Operator.GTE, "Novo"), []),
    (Compare("type", Operator.EQ, "customer"), []),
    (Compare("unit_id", Operator.EQ, "abcdef"), []),
]


@pytest.mark.parametrize(("where", "promised"), PROMISES, ids=str)
def test_condition_promises_the_words_of_its_value(where: Predicate, promised: list[tuple[str, bool]]) -> None:
    assert terms(where) == promised


@pytest.mark.parametrize(("value", "promised"), [("R-12", True), ("12", False), ("true", False), ('{"a": 1}', False)])
def test_value_inside_json_promises_only_what_no_number_and_no_document_is(value: str, promised: bool) -> None:
    """Numbers and documents are compared as they are spelled, and are not in the search text."""
    for face, column in ((CUSTOMER, "metadata"), (GRAPHQL_CLIENT, "custom")):
        where = Compare(column, Operator.EQ, value, ("key",))
        assert bool(query_terms(Query(where), face)) is promised
        contains: Any = Compare(column, Operator.CONTAINS, value, ("key",))
        assert query_terms(Query(contains), face) == ()


@pytest.mark.parametrize(("word", "begins"), [("a", True), ("ab", True), ("abc", False), ("e\u0301a", True)])
def test_short_words_begin_words(word: str, begins: bool) -> None:
    assert word_terms((word,)) == (Term(word, begins),)
