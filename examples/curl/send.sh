# Functions for shell scripts that call the REST APIs: . ./send.sh
# They need SERVICE_URL and SERVICE_TOKEN. Files in a folder of their own hold the last response.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
body=$folder/body
head=$folder/head

# Sends a request, with the arguments of curl. Prints the status; the body and the head of the response are in $body and $head.
# curl waits as Retry-After says, and tries again after 429, 503 and other passing errors.
send() {
    curl -sS --retry 5 --max-time 30 -o "$body" -D "$head" -w '%{http_code}' \
        -H "Authorization: Bearer $SERVICE_TOKEN" -H 'Content-Type: application/json' "$@"
}

# Sends a request, and ends the script with the response if its status is another one: expect STATUS ARGUMENT...
expect() {
    expected=$1
    shift
    status=$(send "$@")
    if [ "$status" != "$expected" ]; then
        echo "expected $expected, got $status: $(cat "$body")" >&2
        exit 1
    fi
}

# Prints a header of the last response.
header() {
    sed -n "s/^$1: //Ip" "$head" | tr -d '\r'
}
