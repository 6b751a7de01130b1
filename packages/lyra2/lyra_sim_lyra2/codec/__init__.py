"""The video codec as a stream: latents of a chunk after those before, encoded and decoded with the cache as a value."""
