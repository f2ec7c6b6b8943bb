"""The names of the limits that reject requests, in the log and in the metrics."""

from app.errors import AnswerTooLarge, StorageFull, TooMany
from app.http.bodies import TooLarge
from app.observability.figures import note_limit

NAMES: dict[type[BaseException], str] = {
    AnswerTooLarge: "answer-too-large",
    StorageFull: "storage",
    TooLarge: "payload-too-large",
}
CONCURRENCY = "concurrency"
"""The name of the limits without a quota: connections, large answers and logins at the same time."""


def note_rejection(error: BaseException) -> None:
    """Notes the limit that an error is about, if it is about one."""
    if isinstance(error, TooMany):
        note_limit(error.quota.name if error.quota else CONCURRENCY)
    elif (name := NAMES.get(type(error))) is not None:
        note_limit(name)
