"""USD: layers, splats, meshes, colliders, the package they form, and the rules it must keep."""
