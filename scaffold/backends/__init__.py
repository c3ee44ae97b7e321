"""Who executes: this machine, Slurm, the research server. Each has the verbs of `interface.Backend`."""
