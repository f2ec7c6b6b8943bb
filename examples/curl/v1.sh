#!/bin/sh
# The v1 Clients API: reads two pages, creates a client once although it sends the request twice, changes it, handles an error of each kind,
# and deletes it. It needs curl and jq.
set -eu
. ./send.sh

# The organizations of the token's account. Every list is below one of them.
expect 200 "$SERVICE_URL/v1/accounts/authorized"
account=$(jq -r .id "$body")
expect 200 "$SERVICE_URL/v1/accounts/$account/organizations"
organization=$(jq -r '.[0].id' "$body")
clients=$SERVICE_URL/v1/organizations/$organization/clients

# A filter is JSON, so curl must encode it. x-total-count has the number of all clients.
expect 200 -G "$clients" --data-urlencode 'filter={"limit": 5, "order": "id ASC", "fields": ["id", "name"]}'
last=$(jq -r '.[-1].id' "$body")
[ "$(header x-total-count)" -gt 5 ]

# The page after the last row. Unlike skip, this loses no row when others are deleted in between.
filter=$(jq -cn --arg last "$last" '{where: {id: {gt: $last}}, limit: 5, order: "id ASC", fields: ["id", "name"]}')
expect 200 -G "$clients" --data-urlencode "filter=$filter"
jq -e --arg last "$last" 'all(.[]; .id > $last)' "$body" >/dev/null
echo "Two pages have no row in common."

# An error has a name and the codes of each field for programs, and messages for people.
expect 422 "$clients" -d '{"name": ""}'
jq -e '.error.details.codes.name == ["presence"]' "$body" >/dev/null

# A request that is sent again with its key is done once.
key=example-$$-$(date +%s)
expect 200 "$clients" -H "Idempotency-Key: $key" -d '{"name": "curl v1 Ltd", "city": "Celje"}'
id=$(jq -r .id "$body")
expect 200 "$clients" -H "Idempotency-Key: $key" -d '{"name": "curl v1 Ltd", "city": "Celje"}'
[ "$(jq -r .id "$body")" = "$id" ]

# A change of the version that was read. A stale one is 412: read the record again, and decide what to write.
expect 200 "$SERVICE_URL/v1/clients/$id"
etag=$(header etag)
expect 200 -X PATCH "$SERVICE_URL/v1/clients/$id" -H "If-Match: $etag" -d '{"city": "Koper"}'
expect 412 -X PATCH "$SERVICE_URL/v1/clients/$id" -H "If-Match: $etag" -d '{"city": "Kranj"}'
echo "A client was created once and changed once."

expect 200 -X DELETE "$SERVICE_URL/v1/clients/$id"
[ "$(jq -r .count "$body")" = 1 ]
expect 404 "$SERVICE_URL/v1/clients/$id"
echo "A client was deleted."
