"""Retention: the time for which each kind of personal data is kept."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self

from app.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`messages` counts from the last attempt, `files` from the writing of a file, the others from the creation.

    `deliveries` is also the time for which deleted webhooks are kept.
    """

    images: timedelta
    messages: timedelta
    files: timedelta
    answers: timedelta
    deliveries: timedelta

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(
            images=timedelta(days=config.image_days),
            messages=timedelta(days=config.message_days),
            files=timedelta(days=config.mail_file_days),
            answers=timedelta(hours=config.idempotency_hours),
            deliveries=timedelta(days=config.delivery_days),
        )

    def parameters(self) -> dict[str, timedelta]:
        """The times by name, as parameters of statements."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
