"""Step folders: what is in one, whether it still holds, and how a new one takes its place all at once.

- ``folder``: whole or not there
- ``ingredients``: what a key is made of
- ``digests``: of files and values
- ``lock``: one build at a time
"""

from lyra_sim.store.digests import DigestCache, digest_of
from lyra_sim.store.folder import (
    MANIFEST,
    Manifest,
    clean_leftovers,
    damage,
    read_manifest,
    replace_folder,
    staging,
    unfinished,
)
from lyra_sim.store.ingredients import SourceFiles, explain, ingredients_of, key_of
from lyra_sim.store.lock import scene_lock

__all__ = [
    "MANIFEST",
    "DigestCache",
    "Manifest",
    "SourceFiles",
    "clean_leftovers",
    "damage",
    "digest_of",
    "explain",
    "ingredients_of",
    "key_of",
    "read_manifest",
    "replace_folder",
    "scene_lock",
    "staging",
    "unfinished",
]
