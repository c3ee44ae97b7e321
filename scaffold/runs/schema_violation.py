"""What a schema does not allow of a value: raised by code that is made from a schema."""

from __future__ import annotations

from collections.abc import Sequence


class SchemaViolation(ValueError):
    """`value` at `place` (`.time.ended_at`, empty for the whole) is not allowed; or an object there lacks one of the `required` names."""

    def __init__(self, place: str, value: object, required: Sequence[str] = ()) -> None:
        super().__init__(place)
        self.place, self.value, self.required = place, value, required
