"""Logs and metrics: one line in the log for each request, and figures for Prometheus."""
