"""What every command shares: options, output, schemas of answers, examples, wrong usage."""
