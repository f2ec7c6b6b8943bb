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
    r"`(first|last)` must be between 0 and \d+; got -?\d+\.": RANGE,
    r"A list may have at most \d+ members; got \d+\.": RANGE,
    r"`ids` must hold at most \d+ ids; got \d+\.": RANGE,
    r"The pattern for `\w+` may have at most \d+ characters; got \d+\.": RANGE,
    r"The value of `\w+` (may have at most .*|must be between .*|contains a number that is out of range\.|may be nested .*)": RANGE,
    r"Pass `first` or `last`, not both\.": OPTIONAL,
    r"(This operator on |`between` on |Pattern operators on )?`\w+` (needs?|cannot be ordered against null\.) .*": OPTIONAL,
    r"The `(and|or)` operator needs .*": OPTIONAL,
    r"The filter must be an object\.": OPTIONAL,
    r"The condition on `\w+` has no operator\.": OPTIONAL,
    r"The path inside `\w+` must have at least one key\.": OPTIONAL,
    r"Invalid cursor: pass a cursor that this API returned\.": FORM,
    r"The cursor belongs to another list: .*": FORM,
    r"Invalid cursor: (pass a cursor that this API returned for these changes|no change has this number yet.*)\.": FORM,
    r"The value of `\w+` contains (a NUL|an unpaired surrogate).*": FORM,
    r"(The value of )?`?\w+`? (is (no|not a|not an|not 24|one of)|must be (an? |one of )).*": FORM,
    r"The pattern for `\w+` (ends with a single backslash|contains a back-reference).*": FORM,
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
