"""The mutations of clients and customers: one request, one write, and a payload with the record or its errors."""
