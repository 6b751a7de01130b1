"""Reads a file of splats of any kind."""

from pathlib import Path

from lyra_sim.splat_files.compressed_ply import read_compressed_ply
from lyra_sim.splat_files.dot_splat import read_dot_splat
from lyra_sim.splat_files.kinds import recognised
from lyra_sim.splat_files.ply import read_ply
from lyra_sim.splat_files.sog import read_sog
from lyra_sim.splat_files.sound import Reading, made_sound
from lyra_sim.splat_files.spz import read_spz


def read_splats(path: Path) -> Reading:
    """Splats of a PLY, compressed PLY, SPZ, SOG or ``.splat``, told by content, in the file's own frame and unit.

    What is no damage is mended and what can't be drawn is dropped, both with counts in the notes (:func:`made_sound`).

    Raises:
        InputError: Missing, broken, of another kind, or with too little in it that can be used.
    """
    kind, header = recognised(path)
    match kind, header:
        case "3DGS PLY", header if header is not None:
            raw = read_ply(header)
        case "compressed PLY", header if header is not None:
            raw = read_compressed_ply(header)
        case "SPZ", _:
            raw = read_spz(path)
        case "SOG", _:
            raw = read_sog(path)
        case _:
            raw = read_dot_splat(path)
    return made_sound(raw, path)
