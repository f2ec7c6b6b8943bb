"""Translation: what an error of PostgreSQL means for the caller and for the connection."""

import asyncio

import asyncpg
import orjson
from sqlalchemy.exc import DBAPIError

from app.errors import TIMED_OUT, Contended, KeyTaken, Malformed, TooSlow, Unavailable, Unusable
from app.storage.deadline import OutOfTime

QUERY_CANCELED, INVALID_REGEX, DATA_EXCEPTION = "57014", "2201B", "22"
PROGRAM_LIMIT = "54"
"""The class of SQLSTATE for PostgreSQL's limits, such as the length of a text in an index."""
LOST = ("08", "53", "57P", "58", "3D")
"""The classes of SQLSTATE for a server or a database that is missing, full or failing."""
CONTENDED = ("40001", "40P01")
"""The SQLSTATEs of serialization failures and deadlocks."""
KEY_TAKEN = "CK001"
"""The SQLSTATE of the trigger that keeps the keys of clients unique."""
READ_ONLY = "25006"
MIXED_STATEMENTS = ("26000", "42P05")
"""A pooler led prepared statements of one connection to several servers."""
UNUSABLE = (READ_ONLY, "25P03", "25P04", "28", "3F000", "42501", "42703", "42704", "42P01", "55000", *MIXED_STATEMENTS)
"""The SQLSTATEs for a database that answers, but that the service cannot use: read-only, with time limits of its own for
transactions, without the rights, the tables, the columns or the types, or behind a pooler that mixes prepared statements."""
UNSOUND = (READ_ONLY, *MIXED_STATEMENTS)
"""The SQLSTATEs for errors that would come again on the same connection."""
PATTERN_TOO_COMPLEX = "XX000", "invalid memory alloc request size"
"""The error of a regular expression that needs more memory than PostgreSQL gives to one value."""
NOT_STORABLE = (
    "PostgreSQL cannot store or compare a value of this request. "
    "Check it for null characters and for numbers or texts that are too large."
)
UNREADABLE = asyncpg.ClientConfigurationError


def is_sound(error: BaseException | None) -> bool:
    """Tells whether a connection can be used again after a block that ended with `error`."""
    if isinstance(error, asyncpg.InternalClientError | OSError | asyncio.CancelledError | OutOfTime):
        return False
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in UNSOUND:
        return False
    return isinstance(error, Exception | None)


def translate(error: BaseException) -> BaseException:
    """Returns an error of PostgreSQL as one of app.errors, and any other error unchanged."""
    match error:
        case DBAPIError():
            return _domain_error(getattr(error.orig, "sqlstate", None), error.orig or error, error)
        case asyncpg.InvalidCachedStatementError():
            return Contended(_first_line(error))
        case asyncpg.PostgresError():
            return _domain_error(error.sqlstate, error, error)
        case asyncpg.InterfaceError() if isinstance(error, ValueError) and not isinstance(error, UNREADABLE):
            return Malformed(NOT_STORABLE)
        case OSError() | asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return Unavailable(_first_line(error))
    return error


def _domain_error(state: str | None, cause: BaseException, error: BaseException) -> BaseException:
    """Returns the error of app.errors for a SQLSTATE. An SQLSTATE that shows a bug returns `error` unchanged."""
    if state == QUERY_CANCELED:
        return TooSlow(TIMED_OUT)
    if state == INVALID_REGEX:
        return Malformed("The pattern is not a valid regular expression")
    if state == PATTERN_TOO_COMPLEX[0] and PATTERN_TOO_COMPLEX[1] in str(cause):
        return Malformed("The pattern or the values of this request need too much memory. Use a simpler pattern.")
    if state == KEY_TAKEN:
        return _key_taken(cause)
    if state in CONTENDED:
        return Contended(_first_line(cause))
    if state is not None and state.startswith(UNUSABLE):
        return Unusable(_first_line(cause))
    if state is None or state.startswith(LOST):
        return Unavailable(_first_line(cause))
    if state.startswith((DATA_EXCEPTION, PROGRAM_LIMIT)):
        return Malformed(NOT_STORABLE)
    return error


def _key_taken(cause: BaseException) -> KeyTaken:
    detail = orjson.loads(getattr(cause, "detail", None) or "{}")
    return KeyTaken(detail["document"], detail["name"], detail["client"], detail["holder"])


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
