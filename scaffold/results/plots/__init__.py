"""Tables and series -> figures (what is shown) -> SVG of our own for pages, or SVG, PNG and CSV files for papers."""
