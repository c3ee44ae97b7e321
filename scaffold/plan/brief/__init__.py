"""The planning brief: what a planner has to know."""
