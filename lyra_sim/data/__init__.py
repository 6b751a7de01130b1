"""What flows between steps: frozen dataclasses, and the plain files each one is saved as."""
