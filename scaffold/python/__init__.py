"""The workspace in Python and notebooks: runs and results as tables, cells as recorded runs. What `import scaffold` offers."""
