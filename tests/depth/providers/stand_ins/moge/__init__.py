"""Stands for dlr-moge 2.0.0; see ``model``."""
