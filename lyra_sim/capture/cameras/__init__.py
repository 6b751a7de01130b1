"""Cameras of photos, given or found: files of other tools, COLMAP models, features, matches and structure from motion."""
