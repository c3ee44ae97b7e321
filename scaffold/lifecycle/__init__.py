"""The life of a workspace: init, add, update, status, remove. Each plans first (pure of effects), then applies whole or not at all."""
