"""The protocol of one connection: HTTP/1.1 and, after an upgrade, WebSocket."""
