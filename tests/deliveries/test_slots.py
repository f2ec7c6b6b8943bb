"""Slots are shared fairly: no webhook and no organization takes those of others."""

from app.deliveries.queue import DueWebhook
from app.deliveries.slots import MOST_OF_ORGANIZATION, Slots


def due(organization: str, webhook: str, number: int = 4, most: int = 4) -> DueWebhook:
    return DueWebhook(organization, webhook, number, most)


def test_each_webhook_gets_a_slot_before_another_one_gets_two() -> None:
    webhooks = [due(letter, letter) for letter in "abc"]
    assert [*Slots(5).share(webhooks).values()] == [2, 2, 1]
    assert [*Slots(100).share(webhooks).values()] == [4, 4, 4]


def test_a_failing_webhook_and_one_with_few_events_get_no_more_than_they_need() -> None:
    webhooks = [due("a", "failing", most=1), due("b", "calm", number=2), due("c", "busy")]
    assert [*Slots(100).share(webhooks).values()] == [1, 2, 4]


def test_slots_that_are_taken_count() -> None:
    slots = Slots(3)
    slots.take("a", "one")
    slots.take("a", "one")
    assert (slots.free, slots.busy(2), slots.busy(3)) == (1, ["one"], [])
    assert slots.share([due("a", "one", most=2), due("a", "two")]) == {due("a", "two"): 1}
    slots.give_back("a", "one")
    slots.give_back("a", "one")
    assert (slots.free, slots.busy(1)) == (3, [])


def test_an_organization_with_many_webhooks_has_one_slot_for_each_beyond_its_share() -> None:
    slots = Slots(100)
    webhooks = [due("a", str(number)) for number in range(20)]
    assert [*slots.share(webhooks).values()] == [1] * 20
    for number in range(4):
        slots.take("a", "slow")
        slots.take("a", f"slow {number % 1}")
    assert MOST_OF_ORGANIZATION == 8
    assert slots.share([due("a", "another"), due("b", "other")]) == {due("a", "another"): 1, due("b", "other"): 4}
