"""What is measured, and how: `benchmarks/run --help`. Every other module is one benchmark, or something that they share."""
