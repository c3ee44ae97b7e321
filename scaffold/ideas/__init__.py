"""Changes of the code as experiments: held against the code that stands, kept or dropped, remembered."""
