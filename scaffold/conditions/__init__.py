"""Conditions on named values: one language for `results --where`, `sweep new --only-if` and the sides of a comparison."""
