"""Facts -> Conventions, one file per subject, each value with its evidence."""
