"""The prompt-skill playbook: which skill of the research server to use when."""
