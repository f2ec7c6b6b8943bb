"""The HTTP edge that every API shares."""
