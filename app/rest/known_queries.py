"""Known queries: a query string that comes again is not read again."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, TypeVarTuple

from app.auth import names_token

Others = TypeVarTuple("Others")
T = TypeVar("T")

MOST = 300
"""The most query strings of one reader that are kept."""
LONGEST = 1_000
"""The most bytes of a query string that is kept. What is read of it takes up to 30 times as much memory."""


def keep_known(read: Callable[[bytes, *Others], T]) -> Callable[[bytes, *Others], T]:
    """Makes a reader of query strings keep its latest results, which nothing may change. Errors are not kept.

    A query string with a token is not kept: only the hashes of tokens stay in memory.
    """
    known: Any = lru_cache(maxsize=MOST)(read)

    def find(query: bytes, *others: *Others) -> T:
        if len(query) > LONGEST or names_token(query):
            return read(query, *others)
        found: T = known(query, *others)
        return found

    return find
