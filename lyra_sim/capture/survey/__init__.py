"""Given meshes and splats: read, stood in, and looked at by virtual cameras."""
