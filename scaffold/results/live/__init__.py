"""The report in a browser while runs go on: kept fresh, served on this machine alone, with the files behind its numbers."""
