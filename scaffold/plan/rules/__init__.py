"""The plan contract, rule by rule."""
