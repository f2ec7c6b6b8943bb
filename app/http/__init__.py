"""What every API shares at the HTTP edge."""
