"""tasks.md as text and as a plan, both ways."""
