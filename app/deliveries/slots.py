"""Slots: the attempts that a process makes at the same time, shared fairly among organizations and webhooks."""

from collections import Counter
from collections.abc import Iterable, Sequence

from app.deliveries.queue import DueWebhook

MOST_OF_ORGANIZATION = 8
"""The attempts for the webhooks of one organization at the same time, in one process, from which on each webhook has one."""


class Slots:
    """`total` slots. A slot belongs to a webhook from `take` to `give_back`."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._webhooks: Counter[str] = Counter()
        self._organizations: Counter[str] = Counter()

    @property
    def free(self) -> int:
        return self.total - self._webhooks.total()

    def busy(self, most: int) -> Sequence[str]:
        """The webhooks that have `most` slots or more."""
        return [webhook_id for webhook_id, number in self._webhooks.items() if number >= most]

    def take(self, organization_id: str, webhook_id: str) -> None:
        self._webhooks[webhook_id] += 1
        self._organizations[organization_id] += 1

    def give_back(self, organization_id: str, webhook_id: str) -> None:
        self._webhooks -= Counter([webhook_id])
        self._organizations -= Counter([organization_id])

    def share(self, due: Iterable[DueWebhook]) -> dict[DueWebhook, int]:
        """The free slots for each webhook, one after the other in rounds. Webhooks without one are left out."""
        given: Counter[DueWebhook] = Counter()
        organizations = Counter(self._organizations)
        waiting = list(due)
        free = self.free
        while waiting and free:
            waiting = [webhook for webhook in waiting if self._may_have(webhook, given, organizations)]
            for webhook in waiting[:free]:
                if self._may_have(webhook, given, organizations):
                    given[webhook] += 1
                    organizations[webhook.organization_id] += 1
            free = self.free - given.total()
        return dict(given)

    def _may_have(self, webhook: DueWebhook, given: Counter[DueWebhook], organizations: Counter[str]) -> bool:
        """True if a webhook may have one slot more. Its first one never waits for the other webhooks of its organization."""
        used = self._webhooks[webhook.webhook_id] + given[webhook]
        has_room = not used or organizations[webhook.organization_id] < MOST_OF_ORGANIZATION
        return has_room and used < webhook.most and given[webhook] < webhook.due
