"""Which of several models of the same photos is taken, how much of it, and what is said about that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.trust.model_agreement import Agreement, agreement
from lyra_sim.capture.trust.panorama_parts import whole_panoramas
from lyra_sim.capture.trust.pose_trust import PoseTrust, assess_trust
from lyra_sim.capture.trust.rigid_parts import named
from lyra_sim.data.posed import ModelFacts, PhotoSet, PosedPhotos, PoseFacts
from lyra_sim.errors import FrameError, GeometryError
from lyra_sim.scene.spec import PosesConfig

TOLERANCE = 0.05
"""A model with this share of the photos less is taken all the same when less speaks against it. Tuned on the photo sets."""
RIVAL = 0.8
"""A model must hold this share of the chosen one's photos for its disagreement to count. Tuned on the photo sets."""
LEAST_OF_GIVEN = 0.5
"""Share of a given model's photos that its largest sound part must have. Tuned on the photo sets."""
WILD_ERROR_PX = 4.0
"""Points triangulated from given cameras lie within this of their sightings, or the cameras aren't those of the photos [px].
Tuned on the photo sets."""
FEW_POINTS = 15
"""Points per photo below which given cameras are hardly checked. Tuned on the photo sets."""
HARDLY_ANY = 2
"""Points per photo below which given cameras and photos contradict each other. Tuned on the photo sets."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The model that is built on."""

    posed: PosedPhotos
    """The part of it that can be trusted."""
    facts: PoseFacts
    """What was tried, found, chosen and why."""
    dropped: tuple[tuple[str, str], ...]
    """Name and reason of every photo without a trusted camera."""


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    posed: PosedPhotos
    trust: PoseTrust

    @property
    def believed(self) -> PosedPhotos:
        return self.posed.select(self.trust.trusted)

    def facts(self) -> ModelFacts:
        focal = [float(np.sqrt(lens.K[0, 0] * lens.K[1, 1])) for lens in self.posed.lenses]
        error = self.posed.reprojection_px
        return ModelFacts(
            recipe=self.posed.recipe,
            registered=len(self.posed),
            trusted=len(self.trust.trusted),
            parts=tuple(len(part) for part in self.trust.parts),
            reprojection_px=round(error, 3) if np.isfinite(error) else None,
            focal_px=round(float(np.median(focal)), 1),
            findings=tuple(self.trust.findings),
            figures={key: round(value, 4) for key, value in self.trust.figures.items() if np.isfinite(value)},
        )


def choose(
    candidates: Sequence[PosedPhotos],
    photos: PhotoSet,
    cfg: PosesConfig,
    *,
    geo: Float64[np.ndarray, "n 3"] | None,
    subject: str,
) -> Chosen:
    """The model with most photos in one part that hangs together; among nearly equals the one least speaks against.

    Args:
        candidates: Models of the same photos, made in different ways.
        photos: All that were taken in.
        cfg: ``min_registered`` is the share of them that must end in one trusted part.
        geo: East, north, up of every photo of ``photos`` [m]; NaN rows without a fix that may be believed.
        subject: For messages.

    Raises:
        GeometryError: No model has enough photos in one part that can be trusted.
    """
    wanted = max(2, int(np.ceil(cfg.min_registered * len(photos.photos))))
    row = {photo.name: index for index, photo in enumerate(photos.photos)}
    assessed = [
        _Candidate(posed=one, trust=whole_panoramas(trust, one, photos))
        for one in candidates
        if (trust := assess_trust(one, geo=None if geo is None else geo[[row[name] for name in one.names]]))
    ]
    if not assessed:
        raise GeometryError(
            subject,
            f"no two of the {len(photos.photos)} photos could be joined",
            expected=f"{wanted} photos in one model",
            likely="They show too little in common, or little but blank walls.",
            next_step="Photograph with more overlap, or give the cameras.",
        )
    best, kept, comparisons = _settled(_ranked(assessed))
    if len(kept) < wanted:
        raise _refusal(subject, best, kept, len(photos.photos), wanted, tuple(sentence for _, sentence in comparisons))
    dropped = tuple((photo.name, _reason(photo.name, best, comparisons)) for photo in photos.photos)
    names = {best.posed.names[index] for index in kept}
    dropped = tuple((name, reason) for name, reason in dropped if name not in names)
    posed = best.posed.select(kept)
    facts = PoseFacts(
        chosen=best.posed.recipe,
        why=_why(best, assessed, comparisons),
        photos=len(photos.photos),
        registered=len(best.posed),
        trusted=len(kept),
        posed=len(posed),
        recipe=posed.recipe,
        reprojection_px=_pixels(posed),
        findings=tuple(best.trust.findings),
        figures=best.facts().figures,
        agreement=tuple(sentence for _, sentence in comparisons),
        candidates=tuple(one.facts() for one in assessed),
        dropped=dropped,
    )
    return Chosen(posed=posed, facts=facts, dropped=dropped)


def checked(posed: PosedPhotos, *, geo: Float64[np.ndarray, "n 3"] | None, subject: str) -> Chosen:
    """Given cameras, doubted: a COLMAP model is parted like any found one, other cameras are kept and commented on.

    Args:
        posed: With points triangulated from the given cameras.
        geo: East, north, up of every photo [m]; NaN rows without a fix that may be believed.
        subject: For messages.

    Raises:
        GeometryError: A COLMAP model falls into parts, none of which has half its photos.
        FrameError: The photos contradict the cameras: hardly a point triangulates, or only with wild errors.
    """
    candidate = _Candidate(posed=posed, trust=assess_trust(posed, geo=geo))
    everything = tuple(range(len(posed)))
    kept = candidate.trust.trusted if posed.recipe.startswith("COLMAP") else everything
    findings = list(candidate.trust.findings)
    if len(posed) > 1:
        per_photo = float(np.median(np.bincount(posed.sparse.view_index, minlength=len(posed))))
        if per_photo < HARDLY_ANY or posed.reprojection_px > WILD_ERROR_PX:
            raise FrameError(
                subject,
                f"from the given cameras {len(posed.sparse.points)} points could be triangulated, {per_photo:.0f} a photo, "
                f"{posed.reprojection_px:.1f} px from where they are seen",
                expected=f"{FEW_POINTS} or more a photo, within {WILD_ERROR_PX:g} px",
                likely="The cameras belong to other photos, or their axes, order or intrinsics are read wrongly.",
                next_step="Check that camera k belongs to photo k, or leave the cameras out and have them found.",
            )
        if per_photo < FEW_POINTS:
            findings.append(f"only {per_photo:.0f} points a photo check the given cameras; they are taken on trust")
    wanted = max(min(2, len(posed)), int(np.ceil(LEAST_OF_GIVEN * len(posed))))
    if len(kept) < wanted:
        raise _refusal(subject, candidate, kept, len(posed), wanted, ())
    names = {posed.names[index] for index in kept}
    dropped = tuple((name, _reason(name, candidate, [])) for name in posed.names if name not in names)
    built_on = posed if kept == everything else posed.select(kept)
    whole = len(kept) == len(posed)
    facts = PoseFacts(
        chosen=posed.recipe,
        why="the cameras were given" if whole else "the largest part of the given model that hangs together",
        photos=len(posed),
        registered=len(posed),
        trusted=len(kept),
        posed=len(built_on),
        recipe=built_on.recipe,
        reprojection_px=_pixels(built_on),
        findings=tuple(findings),
        figures=candidate.facts().figures,
        agreement=(),
        candidates=(candidate.facts(),),
        dropped=dropped,
    )
    return Chosen(posed=built_on, facts=facts, dropped=dropped)


def _pixels(posed: PosedPhotos) -> float:
    return round(float(posed.reprojection_px), 4)


def _ranked(assessed: list[_Candidate]) -> list[_Candidate]:
    """Best first: photos in the trusted part, then what speaks against it, then how well points fit."""
    most = max(len(one.trust.trusted) for one in assessed)

    def order(one: _Candidate) -> tuple[bool, bool, int, float, float]:
        near = len(one.trust.trusted) >= (1 - TOLERANCE) * most
        strain = one.trust.figures.get("worst_strain", 0.0)
        return (not near, bool(near and one.trust.findings), -len(one.trust.trusted), strain, one.posed.reprojection_px)

    return sorted(assessed, key=order)


def _settled(ranked: list[_Candidate]) -> tuple[_Candidate, tuple[int, ...], list[tuple[Agreement, str]]]:
    """The candidate most of whose photos no rival disputes, those photos, and every comparison with it.

    Two models that are each sound by themselves and put a photo in different places can't both be right, and nothing
    tells which is; a third that agrees with one settles it. What is left of a model that fell into parts isn't heard
    against a sound one.
    """
    most = len(ranked[0].trust.trusted)
    rivals = [one for one in ranked if len(one.trust.trusted) >= max(RIVAL * most, 2)]
    best: tuple[_Candidate, tuple[int, ...], list[tuple[Agreement, str]]] = (ranked[0], ranked[0].trust.trusted, [])
    fewest = -1
    for one in rivals:
        comparisons, disputed, backed = [], set[str](), set[str]()
        for other in rivals:
            found = agreement(one.believed, other.believed) if other is not one else None
            if found is None:
                continue
            comparisons.append((found, _compared(one, other, found)))
            backed |= set(found.same)
            if other.trust.sound or not one.trust.sound:
                disputed |= set(found.differ)
        disputed -= backed
        kept = one.trust.trusted
        if disputed:
            kept = tuple(index for index in kept if one.posed.names[index] not in disputed)
        if len(kept) > fewest:
            best, fewest = (one, kept, comparisons), len(kept)
    return best


def _compared(one: _Candidate, other: _Candidate, found: Agreement) -> str:
    both = len(found.same) + len(found.differ)
    sentence = (
        f"'{other.posed.recipe}' puts {len(found.same)} of {both} photos in the same place, to {found.rms:.1%} of the extent"
    )
    if found.differ:
        index = {name: at for at, name in enumerate(one.posed.names)}
        sentence += f"; it has {named(one.posed.names, tuple(index[name] for name in found.differ))} elsewhere"
    return sentence


def _why(best: _Candidate, assessed: list[_Candidate], comparisons: list[tuple[Agreement, str]]) -> str:
    if len(assessed) == 1:
        return "the only model there is"
    others = [one for one in assessed if one is not best]
    most = max(len(one.trust.trusted) for one in others)
    count = len(best.trust.trusted)
    if count > most:
        return f"{count} photos hang together, in the next best model {most}"
    if best.trust.findings or not any(one.trust.findings for one in others if len(one.trust.trusted) == most):
        agreed = " and agrees with it" if comparisons and not any(found.differ for found, _ in comparisons) else ""
        return f"{count} photos hang together as in the next best model, it is strained less{agreed}"
    return f"{count} photos hang together and nothing speaks against it; in the next best model it does against {most}"


def _reason(name: str, candidate: _Candidate, comparisons: list[tuple[Agreement, str]]) -> str:
    """Why a photo isn't in the kept part."""
    if name not in candidate.posed.names:
        return "no camera was found for it: it shows too little in common with the others"
    own = [one for one in candidate.trust.findings if one.startswith(f"{name} ") or f" that hold {name} " in one]
    if own:
        return own[0]
    index = candidate.posed.names.index(name)
    if index in candidate.trust.trusted:
        return next((sentence for found, sentence in comparisons if name in found.differ), "its neighbours were dropped")
    joints = [finding for finding in candidate.trust.findings if finding.startswith("between")]
    return "it is outside the part that hangs together" + (f": {joints[0]}" if joints else "")


def _refusal(
    subject: str,
    best: _Candidate,
    kept: tuple[int, ...],
    count: int,
    wanted: int,
    comparisons: tuple[str, ...],
) -> GeometryError:
    """Too few photos in one part: what was found, and what to do."""
    findings = (*best.trust.findings, *comparisons)
    said = "; ".join(findings[:4]) + (f"; and {len(findings) - 4} more findings" if len(findings) > 4 else "")
    if not findings:
        return GeometryError(
            subject,
            f"cameras were found for {len(best.posed)} of {count} photos",
            expected=f"{wanted} or more",
            likely="The others show too little in common with them: blank walls, motion blur, or places far apart.",
            next_step="Photograph the gaps with more overlap, lower poses.min_registered, or give the cameras.",
        )
    where = f" ({named(best.posed.names, kept)})" if kept else ""
    return GeometryError(
        subject,
        f"of {count} photos the largest part whose scale hangs together has {len(kept)}{where}; {said}",
        expected=f"{wanted} or more in one part",
        likely="A passage that shows little but blank or repeating surfaces joins the parts.",
        next_step="Photograph that passage with more overlap and things to see, or give the cameras.",
    )
