"""Procedural rooms and photos of them, ray-cast in torch: training and test data that is generated and never stored."""
