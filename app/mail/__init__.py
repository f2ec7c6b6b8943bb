"""Mail: composes a reminder, stores it in the outbox, and sends it from there."""
