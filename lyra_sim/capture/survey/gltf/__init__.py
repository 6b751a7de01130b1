"""glTF 2.0 read by its specification: what the file holds is counted, and what isn't understood is refused or told."""
