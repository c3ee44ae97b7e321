"""`scaffold try` and `scaffold ideas`: code changes that are judged, kept or dropped, and remembered."""
