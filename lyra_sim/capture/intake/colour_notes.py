"""What was done to the colours of photos, to be told: how many were brought to sRGB, and from what."""

from collections import Counter
from collections.abc import Iterable

from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.posed import PhotoSet


def colour_remarks(sources: Iterable[str], faults: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Sentences about photos.

    Args:
        sources: What the colours of each were before they were brought to sRGB; empty where nothing was done.
        faults: Name of each photo whose profile couldn't be followed, and why.
    """
    counts = Counter(source for source in sources if source)
    said = [f"{counts[source]} images were brought to sRGB from {source}" for source in sorted(counts)]
    reasons: dict[str, list[str]] = {}
    for name, why in faults:
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        said.append(f"{names[0]}{more}: the colour profile can't be followed ({why}), colours are taken as sRGB")
    return tuple(said)


def notes_of_colours(photos: PhotoSet, name: str) -> ReadingNotes:
    """Of the photos of one folder or file; without remarks where all were sRGB."""
    faults = [(photo.name, photo.profile_fault) for photo in photos.photos if photo.profile_fault]
    remarks = colour_remarks((photo.colours_from for photo in photos.photos), faults)
    count = {"images": len(photos.photos)}
    return ReadingNotes(file=name, format="photos", held=count, taken=count, remarks=remarks)
