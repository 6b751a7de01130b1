"""Looking at worlds: ray casting against meshes, and a CPU splat rasteriser. Nothing here writes files."""
