"""Parsing: the document of a text, within limits on its tokens, its numbers and the objects in its arguments."""

import re

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, Source
from graphql.language import Lexer, Token, TokenKind
from graphql.language.parser import Parser

from app.graphql.internals.documents import is_nesting_limit, is_token_limit
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import limit_error
from app.graphql.server.limits import MAX_OBJECTS, count_objects, too_deep
from app.query.values import MOST_DIGITS

MAX_TOKENS = 10_000
LONG_NUMBER = re.compile(f"(?<![0-9])[0-9]{{{MOST_DIGITS + 1}}}")
NUMBERS = frozenset({TokenKind.INT, TokenKind.FLOAT})


def parse_document(source: str) -> DocumentNode:
    """The parsed document. Raises GraphQLError for text that is not a document, for a number with too many digits, and for
    too many objects in arguments.

    Python does not convert an integer of thousands of digits, because that takes quadratic time.
    """
    lexer = Lexer(Source(source))
    first = lexer.token
    try:
        return _parse(source, lexer)
    finally:
        _unlink(first)


def forget_frames(error: GraphQLError) -> GraphQLError:
    """The error without the frames of the parser. They hold the nodes of a document in cycles until a garbage collection."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _unlink(token: Token | None) -> None:
    """Ends the links between tokens. They are cycles, and hold a document that is not kept until a garbage collection."""
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


def _parse(source: str, lexer: Lexer) -> DocumentNode:
    try:
        document = Parser(lexer.source, max_tokens=MAX_TOKENS, lexer=lexer).parse_document()
    except GraphQLSyntaxError as error:
        if is_token_limit(error):
            message = f"The document has too many tokens; at most {MAX_TOKENS:,} are allowed."
            raise limit_error(ErrorCode.TOKEN_LIMIT_EXCEEDED, message, MAX_TOKENS) from error
        if is_nesting_limit(error):
            raise too_deep() from error
        raise
    except RecursionError as error:
        raise too_deep() from error
    if LONG_NUMBER.search(source):
        assert document.loc is not None  # noqa: S101 - narrows the type
        _check_numbers(document.loc.source, document.loc.start_token)
    if source.count("{") > MAX_OBJECTS:
        assert document.loc is not None  # noqa: S101 - narrows the type
        _check_objects(document.loc.start_token)
    return document


def _check_numbers(source: Source, token: Token | None) -> None:
    """Raises GraphQLSyntaxError if this token or one after it is a number with too many digits in a row."""
    while token is not None:
        if token.kind in NUMBERS and LONG_NUMBER.search(token.value or ""):
            raise _too_many_digits(source, token)
        token = token.next


def _check_objects(token: Token) -> None:
    count = count_objects(token)
    if count > MAX_OBJECTS:
        message = (
            f"The document has {count:,} objects in its arguments; at most {MAX_OBJECTS:,} are allowed. Use variables."
        )
        raise limit_error(ErrorCode.OBJECT_LIMIT_EXCEEDED, message, MAX_OBJECTS)


def _too_many_digits(source: Source, token: Token) -> GraphQLSyntaxError:
    digits = max(map(len, re.findall("[0-9]+", token.value or "")))
    message = f"The number has {digits:,} digits in a row; at most {MOST_DIGITS} are allowed."
    error = GraphQLSyntaxError(source, token.start, message)
    error.extensions = {"code": ErrorCode.DIGIT_LIMIT_EXCEEDED, "limit": MOST_DIGITS}
    return error
