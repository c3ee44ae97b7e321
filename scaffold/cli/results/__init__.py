"""The commands that show what runs gave: results, report."""
