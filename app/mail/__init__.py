"""Mail: composing a reminder, keeping it in the outbox, and sending it from there."""
