"""What was tried: what is like it, how it went, the lines of the brief, tables from and for elsewhere."""
