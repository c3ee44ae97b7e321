"""The command line: arguments -> one call -> print -> exit code. The only place that prints."""
