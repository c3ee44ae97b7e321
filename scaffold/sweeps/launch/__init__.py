"""Starting what a sweep lacks: ledger, snapshot, schedule, submission."""
