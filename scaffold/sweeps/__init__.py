"""A goal and a grid -> runs with names -> launchers -> a backend, with a ledger of what was asked of it."""
