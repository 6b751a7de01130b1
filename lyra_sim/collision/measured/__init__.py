"""What was measured, as hulls are judged by it: surface samples, matter, free air, and the figures made of them."""
