"""The world along a camera path: spatial memory, the retrieve-generate-update loop, and the backends that draw frames."""
