"""From posed depth to a closed surface: carve free space, decide what is solid, take the surface between."""
