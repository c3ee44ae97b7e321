"""Files and manifests -> metrics of runs."""
