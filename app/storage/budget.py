"""AnswerBudget: the bytes that one operation may read for its answer."""

from app.errors import AnswerTooLarge


class AnswerBudget:
    """Counts the bytes of one answer, of which there may be `limit`."""

    __slots__ = ("limit", "spent")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0

    def spend(self, size: int) -> None:
        """Counts `size` more bytes. Raises AnswerTooLarge when there are more than `limit`."""
        self.spent += size
        if self.spent > self.limit:
            raise AnswerTooLarge(self.limit)
