"""The transformer with its memory, and the samplers that call it."""
