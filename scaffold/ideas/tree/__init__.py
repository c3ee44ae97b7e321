"""The working tree of an idea: what of it is the idea, what it changes, what it may not change, and putting it back."""
