"""Against what is known to be true: surfaces, maps, cameras, passages."""
