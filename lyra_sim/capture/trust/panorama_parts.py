"""Parts of a model whose photos are views of panoramas: a panorama is in one of them as a whole.

The scale can't jump between views that share a centre, and a few of them, on a blank wall, hang on their neighbours by so
little that it seems to.
"""

import re
from collections import Counter
from dataclasses import replace

from lyra_sim.capture.trust.pose_trust import PoseTrust
from lyra_sim.data.posed import PhotoSet, PosedPhotos

_BETWEEN = re.compile(r"between (\S+) and (\S+) ")


def whole_panoramas(trust: PoseTrust, posed: PosedPhotos, photos: PhotoSet) -> PoseTrust:
    """Trust in which the views of each panorama go with most of them; any other model's as it is."""
    panorama = [photos.by_name[name].cut_from for name in posed.names]
    if not all(panorama) or not trust.parts:
        return trust
    votes: dict[str, Counter[int]] = {}
    for number, part in enumerate(trust.parts):
        for index in part:
            votes.setdefault(panorama[index], Counter())[number] += 1
    home = {name: min(count, key=lambda number: (-count[number], number)) for name, count in votes.items()}
    moved: dict[int, list[int]] = {}
    for index, name in enumerate(panorama):
        if name in home:
            moved.setdefault(home[name], []).append(index)
    parts = tuple(sorted((tuple(part) for part in moved.values()), key=lambda part: (-len(part), part)))
    of = {name: photo.cut_from for name, photo in photos.by_name.items()}
    findings = tuple(one for one in trust.findings if not _inside_one(one, of))
    return replace(trust, parts=parts, findings=findings, figures={**trust.figures, "largest_part": float(len(parts[0]))})


def _inside_one(finding: str, panorama_of: dict[str, str]) -> bool:
    """It is about two views of one panorama."""
    named = _BETWEEN.match(finding)
    return named is not None and panorama_of.get(named[1], "") == panorama_of.get(named[2], "-")
