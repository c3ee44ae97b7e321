"""Tasks at work: started, verified, done."""
