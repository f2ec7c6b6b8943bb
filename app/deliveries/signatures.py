"""Signatures of events as Standard Webhooks defines them, and as the vendor does for events of customers."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PREFIX = "whsec_"
SECRET_BYTES = 32
VENDOR_EVENTS = "customer."
"""The beginning of the events for which the vendor documents headers of its own."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """One signature of Standard Webhooks: `v1,` and an HMAC-SHA256 over the id, the time and the body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of an attempt tell about it. `timestamp` is the time of the attempt in Unix seconds.

    `secrets` are those that are valid, the newest first.
    """

    webhook_id: str
    event: str
    event_id: str
    timestamp: int
    secrets: Sequence[str]

    def headers(self, body: bytes) -> Mapping[str, str]:
        """The headers of the attempt that sends `body`."""
        signatures = (sign(secret, self.event_id, self.timestamp, body) for secret in self.secrets)
        headers = {
            "webhook-id": self.event_id,
            "webhook-timestamp": str(self.timestamp),
            "webhook-signature": " ".join(signatures),
        }
        return {**headers, **self._vendor_headers(body)} if self.event.startswith(VENDOR_EVENTS) else headers

    def _vendor_headers(self, body: bytes) -> Mapping[str, str]:
        """They have room for one signature, whose key is the whole text of the newest secret."""
        digest = hmac.new(self.secrets[0].encode(), body, hashlib.sha256).hexdigest()
        return {
            "X-Webhook-Id": self.webhook_id,
            "X-Webhook-Event": self.event,
            "X-Webhook-Delivery": self.event_id,
            "X-Webhook-Timestamp": str(self.timestamp),
            "X-Webhook-Signature": f"sha256={digest}",
        }
