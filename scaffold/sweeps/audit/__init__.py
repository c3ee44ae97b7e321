"""Whether what a sweep has on record agrees with itself and with the server."""
