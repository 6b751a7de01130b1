"""The scene file: its models, its layers, and its mistakes told in the user's terms."""
