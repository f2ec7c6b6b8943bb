"""`webhook`: webhooks are listed, created, changed, tested and deleted, and their events delivered again."""

import json
from typing import Any

from tests.test_cli import Run, assert_error, made

URL = "https://receiver.example/hook"


def read(result: tuple[str, str, int]) -> Any:
    out, err, status = result
    assert (err, status) == ("", 0)
    return json.loads(out)


def test_webhooks_are_managed_on_the_command_line(run: Run) -> None:
    assert_error(run("webhook", "delete", "5eed" * 6), "There is no organization")
    organization = made(run("organization", "create", "Studio"))
    create = ("webhook", "create", "--organization", organization, "--event", "customer.created", "--url")
    webhook = read(run(*create, URL, "--event", "customer.updated", "--json"))
    assert webhook["secret"].startswith("whsec_")
    (listed,) = read(run("webhook", "list", "--organization", organization, "--json"))
    assert (listed["id"], listed["url"], listed["enabled"]) == (webhook["id"], URL, True)
    assert listed["events"] == ["customer.created", "customer.updated"]
    assert "secret" not in listed
    line = run("webhook", "list", "--organization", organization)[0]
    assert line.split("\t")[:4] == [webhook["id"], URL, "customer.created, customer.updated", "yes"]

    test = read(run("webhook", "test", webhook["id"], "--json"))
    assert (test["event"], test["state"]) == ("customer.test", "waiting")
    deliveries = ("webhook", "deliveries", webhook["id"])
    assert [row["id"] for row in read(run(*deliveries, "--json"))] == [test["id"]]
    assert read(run(*deliveries, "--state", "failed", "--json")) == []
    again = read(run("webhook", "redeliver", test["id"], "--json"))
    assert again["id"] == test["id"]
    assert run("webhook", "redeliver", webhook["id"], "--failed") == ("", "Events to deliver again: 0\n", 0)
    rotated = read(run("webhook", "rotate-secret", webhook["id"], "--keep-for", "60", "--json"))
    assert rotated["secret"] != webhook["secret"]
    assert rotated["previousSecretUntil"]
    for seconds, bound in (("-1", "0"), ("604801", "604800"), ("9" * 20, "604800")):
        _, error, status = run("webhook", "rotate-secret", webhook["id"], "--keep-for", seconds)
        assert (status, f"than or equal to {bound} " in error) == (2, True), error

    assert run("webhook", "update", webhook["id"], "--disable")[2] == 0
    assert_error(run("webhook", "test", webhook["id"]), "The webhook is disabled")
    assert_error(run("webhook", "update", webhook["id"]), "Give at least one of")
    assert_error(run("webhook", "update", webhook["id"], "--url", "http://x.example"), "must begin with https://")
    assert_error(run(*create, "https://127.0.0.1/"), "must not lead to a private")
    assert_error(run("webhook", "list", "--organization", "5eed" * 6), "There is no such organization")
    assert run("webhook", "delete", webhook["id"]) == ("", "The webhook is deleted.\n", 0)
    assert_error(run("webhook", "delete", webhook["id"]), "There is no such")
    assert read(run("webhook", "list", "--organization", organization, "--json")) == []
