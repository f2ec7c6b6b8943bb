"""What schemathesis cannot know of the GraphQL door: its scalars, and the refusals of questions that its schema allows.

Loaded by schemathesis itself, in an environment of its own. A refusal that is explained here is taken out of the answer
before the checks look at it; any other one fails them. Each explanation that was needed is counted in FUZZ_EXPLAINED.
"""

# mypy: ignore-errors
import atexit
import json
import os
import re
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

RANGE = "a schema knows no ranges and lengths"
OPTIONAL = (
    "what may be left out has to allow null in a schema, and members that need or exclude each other are all optional"
)
FORM = "a schema knows a text only as String or ID"
EXPLAINED = {
    r"(first|last) is from 0 to 100, not -?\d+": RANGE,
    r"A list may have at most \d+ members, not \d+": RANGE,
    r"The (value|pattern) (of|on) \w+ is (longer than \d+ characters|out of range)": RANGE,
    r"Ask for the first or for the last records, not for both": OPTIONAL,
    r"\w+ (needs (a|an|two) .*|cannot be compared with null.*)": OPTIONAL,
    r"The (and|or) operator needs at least one condition": OPTIONAL,
    r"The condition on \w+ has no operator": OPTIONAL,
    r"The path inside \w+ is empty": OPTIONAL,
    r"The cursor (is not one that this service gave|belongs to another order, search or filter)": FORM,
    r"The value of \w+ (contains a NUL character|contains half of a surrogate pair|is not .*|must be .*)": FORM,
    r"The pattern on \w+ (ends with a backslash.*|has a back-reference.*)": FORM,
    r"The pattern is not a valid regular expression": FORM,
}
"""Refusals of well-typed questions, as patterns of the whole message, and why the schema cannot say so."""

USED: Counter[str] = Counter()

schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(moment.isoformat())))
schemathesis.graphql.scalar(
    "JSON", st.one_of(st.text().map(nodes.String), st.integers().map(nodes.Int), st.booleans().map(nodes.Boolean))
)


def explanation(message: str) -> str | None:
    return next((pattern for pattern in EXPLAINED if re.fullmatch(pattern, message, re.DOTALL)), None)


@schemathesis.hook
def after_call(context, case, response):
    if not case.meta.generation.mode.is_positive:
        return
    body = response.json()
    found = [(error, explanation(error["message"])) for error in body.get("errors", ())]
    USED.update(pattern for _, pattern in found if pattern is not None)
    left = [error for error, pattern in found if pattern is None]
    if len(left) < len(found):
        response.content = json.dumps({**body, "errors": left} if left else {"data": body["data"]}).encode()
        response.clear_cache()


@atexit.register
def report() -> None:
    Path(os.environ["FUZZ_EXPLAINED"]).write_text(json.dumps(USED))
