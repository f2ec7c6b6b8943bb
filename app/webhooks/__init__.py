"""Webhooks: subscriptions of organizations to the changes of their clients, and the workers that deliver them."""
