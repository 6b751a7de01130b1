"""Depth of photos: from several by plane sweeping, from one by a guess about the room that is called a guess."""
