#!/bin/sh
# The Customers API: reads two pages, creates a customer once although it sends the request twice, changes it, handles an error of each kind,
# and deletes and restores it. It needs curl and jq.
set -eu
. ./send.sh

# Pages: next_cursor leads to the next one, with the same order and conditions.
expect 200 -G "$SERVICE_URL/customers" -d limit=5 -d order_by=name
first=$(jq -c '[.data[].id]' "$body")
cursor=$(jq -r .pagination.next_cursor "$body")
expect 200 -G "$SERVICE_URL/customers" -d limit=5 -d order_by=name --data-urlencode "next_cursor=$cursor"
jq -e --argjson first "$first" '[.data[].id] - $first | length == 5' "$body" >/dev/null
echo "Two pages have no row in common."

# A filter is JSON, so curl must encode it.
expect 200 -G "$SERVICE_URL/customers" --data-urlencode 'query={"country": {"startsWith": "slo"}}' -d include_total_count=false
jq -e '.pagination.total == -1' "$body" >/dev/null

# An error has a code for programs, and the errors of each field for people.
expect 422 "$SERVICE_URL/customers" -d '{"name": "", "contact_type": "friend"}'
jq -e '.code == "validation_error" and .cause.name._errors != null' "$body" >/dev/null

# A request that is sent again with its key is done once.
key=example-$$-$(date +%s)
expect 201 "$SERVICE_URL/customers" -H "Idempotency-Key: $key" -d '{"name": "curl Ltd", "city": "Celje"}'
id=$(jq -r .id "$body")
expect 201 "$SERVICE_URL/customers" -H "Idempotency-Key: $key" -d '{"name": "curl Ltd", "city": "Celje"}'
[ "$(jq -r .id "$body")" = "$id" ]

# A change of the version that was read. A stale one is 412: read the record again, and decide what to write.
expect 200 "$SERVICE_URL/customers/$id"
etag=$(header etag)
expect 200 -X PATCH "$SERVICE_URL/customers/$id" -H "If-Match: $etag" -d '{"city": "Koper"}'
expect 412 -X PATCH "$SERVICE_URL/customers/$id" -H "If-Match: $etag" -d '{"city": "Kranj"}'
echo "A customer was created once and changed once."

expect 200 -X DELETE "$SERVICE_URL/customers/$id"
expect 404 "$SERVICE_URL/customers/$id"
expect 200 -X POST "$SERVICE_URL/customers/$id/restore"
expect 200 -X DELETE "$SERVICE_URL/customers/$id/permanent"
echo "A customer was deleted, restored, and deleted for good."
