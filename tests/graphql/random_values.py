"""The values of arguments and variables in random documents."""

from collections.abc import Mapping, Sequence

VARIABLES: Mapping[str, str] = {
    "yes": "Boolean!",
    "no": "Boolean! = false",
    "client": "ID!",
    "customer": "ID!",
    "cust": "ID!",
    "deleted": "ID!",
    "erased": "ID!",
    "organization": "ID!",
    "second": "ID!",
    "account": "ID!",
    "token": "ID!",
    "change": "ID!",
    "otherChange": "ID!",
    "reminder": "ID!",
    "webhook": "ID!",
    "delivery": "ID!",
    "two": "Int",
    "absent": "Int",
    "city": "String",
    "words": "String",
    "face": "RecordFace! = CUSTOMER",
    "afterClient": "String",
    "afterCustomer": "String",
    "afterHistory": "String",
    "afterChange": "String",
    "afterReminder": "String",
    "afterToken": "String",
    "afterWebhook": "String",
    "afterDelivery": "String",
}
"""The variables of documents, with their types. A document declares those that it uses."""

VALUES: Mapping[str, Sequence[str]] = {
    "Query.node.id": (
        *("$client", "$customer", "$organization", "$account", "$token"),
        *("$change", "$otherChange", "$reminder", "$erased", "$webhook", "$delivery"),
    ),
    "Query.nodes.ids": (
        '[$client, "nothing", $customer, $client]',
        "[$change, $reminder, $organization, $otherChange]",
        "[$second, $token, $account, $deleted]",
        "[$webhook, $delivery, $client]",
        "[]",
    ),
    "Query.client.id": (*("$client",) * 9, "$cust", "$customer", "$deleted", "$erased"),
    "Query.customer.id": (*("$client",) * 5, "$cust", "$customer", "$deleted"),
    "Query.organization.id": ("$organization", "$second"),
    "Query.webhook.id": ("$webhook", "$webhook", "$erased"),
    "states": ("[SENT]", "[FAILED, QUEUED]", "[]"),
    "organizationId": ("$organization", "$second"),
    "includeDeleted": ("true", "$yes", "$no"),
    "first": ("0", "1", "2", "3", "$two", "$absent"),
    "last": ("0", "1", "2", "$two"),
    "Client.possibleDuplicates.first": ("0", "1", "2", "$two"),
    "Customer.possibleDuplicates.first": ("0", "1", "2", "$two"),
    "filter": (
        '{name: {contains: "a"}}',
        '{not: {name: {eq: "Zoë"}}}',
        "{or: [{city: {eq: $city}}, {email: {isNull: true}}]}",
        "{city: {eq: null}}",
    ),
    "search": ('"zoe"', '"str"', "$words"),
    "orderBy": ("[{field: NAME}]", "[{field: CITY, direction: DESC}]", "[{field: CREATED_AT}, {field: NAME}]", "[]"),
    "deleted": ("INCLUDE", "ONLY", "EXCLUDE"),
    "clientIds": ("[$client]", "[$client, $cust]", "[]"),
    "actions": ("[CREATED]", "[UPDATED, DELETED, ERASED]"),
    "face": ("CLIENT", "CUSTOMER", "$face"),
}
"""The values of each argument, by `Type.field.argument` or by the name of the argument."""

WRONG: Mapping[str, Sequence[str]] = {
    "first": ("-1", "101"),
    "last": ("-1", "101"),
    "after": ('"no cursor"', "$afterReminder", "$afterHistory"),
    "before": ('"no cursor"', "$afterClient"),
    "organizationId": ('"0"',),
    "orderBy": ("[{field: RELEVANCE}]",),
    "Query.nodes.ids": (f"[{', '.join(['$client'] * 101)}]",),
}
"""Values that are errors in most places, named as in VALUES."""

CURSORS: Mapping[str, str] = {
    "ClientConnection": "$afterClient",
    "CustomerConnection": "$afterCustomer",
    "AccessTokenConnection": "$afterToken",
    "ReminderConnection": "$afterReminder",
    "WebhookConnection": "$afterWebhook",
    "WebhookDeliveryConnection": "$afterDelivery",
}
"""A cursor that is valid in every connection of a type that has no filter, search or order."""

BOUND_CURSORS: Mapping[tuple[str, ...], str] = {
    ("client($client)", "history"): "$afterHistory",
    ("customer($client)", "history"): "$afterHistory",
    ("client($client)", "customer", "history"): "$afterHistory",
    ("customer($client)", "client", "history"): "$afterHistory",
    ("node($client)", "history"): "$afterHistory",
    ("organization($organization)", "changes"): "$afterChange",
    ("organization", "changes"): "$afterChange",
    ("node($organization)", "changes"): "$afterChange",
}
"""Cursors that are valid in one place only: each names the record or the organization that it belongs to."""
