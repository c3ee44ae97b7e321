"""A workspace -> what a report says (`gather`) -> one page to read (`page`), or Markdown (`markdown`)."""
