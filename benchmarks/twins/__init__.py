"""The twin test: the same drives in a true world and in ours. ``benchmarks/twin.py`` runs it."""
