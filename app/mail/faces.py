"""The field table of reminders in GraphQL, over the columns that `app.mail.repository` shows of a message."""

from app.mail.message import LANGUAGES
from app.query.face import Codec, Face, Field, Kind

LANGUAGE_WORD = Codec(words=tuple((language.upper(), language) for language in LANGUAGES), otherwise="EN")
STATE_WORD = Codec(
    words=(("WAITING", "waiting"), ("SENDING", "sending"), ("SENT", "sent"), ("FAILED", "failed")), otherwise="FAILED"
)
"""The words of GraphQL's enums."""

# fmt: off
REMINDER = Face(
    "graphql reminder",
    "Reminder",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(node="Reminder"), writable=False, nullable=False),
            Field("clientId", "client_id", Kind.ID, writable=False, nullable=False),
            Field("customerId", "client_id", Kind.ID, Codec(prefix="cust_"), writable=False, nullable=False),
            Field("to", "recipient", writable=False, nullable=False),
            Field("language", "language", codec=LANGUAGE_WORD, writable=False, nullable=False),
            Field("state", "state", codec=STATE_WORD, writable=False, nullable=False),
            Field("attempts", "attempts", Kind.NUMBER, writable=False, nullable=False),
            Field("createdAt", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("lastAttemptAt", "last_attempt_at", Kind.DATE, writable=False),
            Field("nextAttemptAt", "next_attempt_at", Kind.DATE, writable=False),
            Field("sentAt", "sent_at", Kind.DATE, writable=False),
        )
    },
    folds=False,
)
# fmt: on
