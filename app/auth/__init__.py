"""Authentication and access: an access token becomes a Principal. All APIs use the same backend."""

from app.auth.access import Access, ExpectedVersion, Target
from app.auth.callers import Authentication, Caller
from app.auth.credentials import MOST_TOKENS, find_tokens, hash_token, names_token, read_authorization
from app.auth.known_tokens import KnownTokens
from app.auth.principals import Environment, Principal, Scope

__all__ = [
    "MOST_TOKENS",
    "Access",
    "Authentication",
    "Caller",
    "Environment",
    "ExpectedVersion",
    "KnownTokens",
    "Principal",
    "Scope",
    "Target",
    "find_tokens",
    "hash_token",
    "names_token",
    "read_authorization",
]
