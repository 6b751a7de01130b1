"""The report of one world: one HTML file, its sections, plans and pictures."""
