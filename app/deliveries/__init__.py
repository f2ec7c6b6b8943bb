"""Deliveries: the queue of events for webhooks, the rules for addresses, signatures, and the HTTP client."""
