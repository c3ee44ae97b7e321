"""The commands of the planning step: preflight, playbook, brief, plan."""
