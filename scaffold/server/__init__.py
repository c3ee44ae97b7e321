"""The research server: HTTP -> typed answers; preflight; playbook. The only import of httpx."""
