"""Our numbers beside recorded ones."""
