"""The Strawberry schema."""
