"""The commands of a workspace's life: detect, init, add, update, status, remove."""
