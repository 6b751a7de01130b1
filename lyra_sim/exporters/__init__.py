"""Exporters: finished worlds in the layouts that other tools read."""
