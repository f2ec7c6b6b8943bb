"""Codes: the values of `extensions.code` in the errors of a result. docs/graphql.md explains each of them."""

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any


class ErrorCode(StrEnum):
    """The cause of an error, one for each kind of mistake, for each limit and for each way to reject a request."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> str:
        return name

    GRAPHQL_PARSE_FAILED = auto()
    GRAPHQL_VALIDATION_FAILED = auto()
    INTROSPECTION_DISABLED = auto()
    BAD_USER_INPUT = auto()

    CHARACTER_LIMIT_EXCEEDED = auto()
    TOKEN_LIMIT_EXCEEDED = auto()
    OBJECT_LIMIT_EXCEEDED = auto()
    DIGIT_LIMIT_EXCEEDED = auto()
    DEPTH_LIMIT_EXCEEDED = auto()
    ROOT_FIELD_LIMIT_EXCEEDED = auto()
    ALIAS_LIMIT_EXCEEDED = auto()
    FIELD_LIMIT_EXCEEDED = auto()
    COMPARISON_LIMIT_EXCEEDED = auto()
    VARIABLE_LIMIT_EXCEEDED = auto()
    COST_LIMIT_EXCEEDED = auto()
    OPERATION_LIMIT_EXCEEDED = auto()
    STREAM_LIMIT_EXCEEDED = auto()
    ACCOUNT_STREAM_LIMIT_EXCEEDED = auto()
    TOKEN_STREAM_LIMIT_EXCEEDED = auto()
    ACCOUNT_SUBSCRIPTION_LIMIT_EXCEEDED = auto()
    TOKEN_SUBSCRIPTION_LIMIT_EXCEEDED = auto()
    RATE_LIMITED = auto()
    ANSWER_TOO_LARGE = auto()
    QUOTA_EXCEEDED = auto()
    TIMEOUT = auto()

    METHOD_NOT_ALLOWED = auto()
    MUTATION_NEEDS_POST = auto()
    NOT_ACCEPTABLE = auto()
    SUBSCRIPTION_NEEDS_STREAM = auto()
    UNSUPPORTED_MEDIA_TYPE = auto()
    UNSUPPORTED_CHARSET = auto()
    UNSUPPORTED_ENCODING = auto()
    BROKEN_BODY = auto()
    PAYLOAD_TOO_LARGE = auto()
    INVALID_JSON = auto()
    JSON_DEPTH_LIMIT_EXCEEDED = auto()
    JSON_VALUE_LIMIT_EXCEEDED = auto()
    BATCHING_NOT_SUPPORTED = auto()
    INVALID_REQUEST = auto()
    MISSING_QUERY = auto()
    OPERATION_RESOLUTION_FAILURE = auto()
    PERSISTED_QUERY_HASH_MISMATCH = auto()
    PERSISTED_QUERY_NOT_FOUND = auto()
    PERSISTED_QUERY_NOT_SUPPORTED = auto()
    DOCUMENT_NOT_TRUSTED = auto()

    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    NOT_FOUND = auto()
    CONFLICT = auto()
    STALE_VERSION = auto()
    CHANGES_RESET = auto()
    SERVICE_UNAVAILABLE = auto()
    INTERNAL_SERVER_ERROR = auto()


STATUSES: Mapping[ErrorCode, int] = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.DOCUMENT_NOT_TRUSTED: 403,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.MUTATION_NEEDS_POST: 405,
    ErrorCode.NOT_ACCEPTABLE: 406,
    ErrorCode.SUBSCRIPTION_NEEDS_STREAM: 406,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.JSON_VALUE_LIMIT_EXCEEDED: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.UNSUPPORTED_CHARSET: 415,
    ErrorCode.UNSUPPORTED_ENCODING: 415,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.OPERATION_LIMIT_EXCEEDED: 429,
    ErrorCode.ACCOUNT_STREAM_LIMIT_EXCEEDED: 429,
    ErrorCode.TOKEN_STREAM_LIMIT_EXCEEDED: 429,
    ErrorCode.ACCOUNT_SUBSCRIPTION_LIMIT_EXCEEDED: 429,
    ErrorCode.TOKEN_SUBSCRIPTION_LIMIT_EXCEEDED: 429,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
    ErrorCode.STREAM_LIMIT_EXCEEDED: 503,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 503,
}
"""The HTTP status of a request that is not executed because of an error. It is 400 for every other code."""
