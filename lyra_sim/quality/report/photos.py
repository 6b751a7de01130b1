"""The report's section on photos: how their cameras were found, what was doubted or left out, and where depth comes from."""

from html import escape

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import MEASURED_CONFIDENCE
from lyra_sim.data.posed import OnePhotoFacts, PoseFacts
from lyra_sim.data.views import MOVING, SKY
from lyra_sim.quality.report import pictures
from lyra_sim.quality.report.page import Figure, Section, image, swatches

NEAR_RGB, FAR_RGB = (255, 214, 90), (38, 44, 120)
"""Ends of the depth ramp. Convention."""
INFERRED_RGB = (214, 51, 108)
"""Mixed into depth that was inferred. Convention."""
NOTHING_RGB, SKY_RGB, MOVING_RGB = (60, 60, 60), (150, 190, 230), (230, 120, 30)
"""Colours of pixels without depth. Convention."""
SHOWN_LINES = 12
"""Of a list of skipped files or findings; the rest is counted. Convention."""


def photos_section(capture: Capture, views: tuple[int, ...], *, width: int) -> Section | None:
    """None for RGB-D, where nothing was estimated.

    Args:
        capture: With its estimated depth.
        views: Indices of the views whose depth is shown.
        width: Of the pictures [px].
    """
    if capture.depth is None or not capture.depth.estimated:
        return None
    figures = [_view_figure(capture, index, width) for index in views]
    keys = [("near", NEAR_RGB), ("far", FAR_RGB), ("inferred", INFERRED_RGB), ("nothing known", NOTHING_RGB)]
    keys += [("sky", SKY_RGB), ("moving", MOVING_RGB)]
    legend = f"<br>Depth by {escape(capture.depth.kind)}: {swatches(keys)}"
    return Section(title="Photos, cameras and depth", text=_told(capture.poses) + legend, figures=tuple(figures))


def depth_colours(
    z_depth: Float32[np.ndarray, "h w"], confidence: Float32[np.ndarray, "h w"], mask: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Near to far by inverse depth between its 2nd and 98th percentile; inferred depth is tinted, masks have flat colours."""
    known = np.isfinite(z_depth)
    inverse = np.where(known, 1 / np.where(known, z_depth, 1), 0)
    low, high = np.percentile(inverse[known], [2, 98]) if known.any() else (0.0, 1.0)
    nearness = np.clip((inverse - low) / max(high - low, 1e-9), 0, 1)[..., None]
    colour = nearness * np.array(NEAR_RGB) + (1 - nearness) * np.array(FAR_RGB)
    inferred = known & (confidence < MEASURED_CONFIDENCE)
    colour[inferred] = 0.55 * colour[inferred] + 0.45 * np.array(INFERRED_RGB)
    colour[~known] = NOTHING_RGB
    colour[mask == SKY] = SKY_RGB
    colour[mask == MOVING] = MOVING_RGB
    return colour.astype(np.uint8)


def _view_figure(capture: Capture, index: int, width: int) -> Figure:
    views = capture.views
    shown = depth_colours(views.z_depth(index), views.confidence(index), views.mask(index))
    strip = "".join(
        image(pictures.jpeg_uri(pictures.resized(picture, width)), alt=f"{what}, view {views.names[index]}")
        for what, picture in (("photo", views.rgb(index)), ("depth", shown))
    )
    kept = " (held out: no depth was made for it)" if index in capture.held_out else ""
    return Figure(html=f'<div class="strip pair">{strip}</div>', caption=f"View {escape(views.names[index])}{kept}")


def _told(facts: PoseFacts | OnePhotoFacts | None) -> str:
    """What happened to the photos, as markup."""
    if not isinstance(facts, PoseFacts):
        return ""
    lines = [
        f"{facts.posed} of {facts.photos} photos have a camera: {escape(facts.recipe)}, "
        f"{facts.reprojection_px:.2f} px mean reprojection error."
    ]
    lines += [escape(line) for line in facts.findings][:SHOWN_LINES]
    for title, left_out in (("Without a camera", facts.dropped), ("Not read", facts.skipped)):
        entries = [f"{escape(name)} ({escape(why)})" for name, why in left_out]
        if entries:
            more = f" and {len(entries) - SHOWN_LINES} more" if len(entries) > SHOWN_LINES else ""
            lines.append(f"{title}: {', '.join(entries[:SHOWN_LINES])}{more}.")
    return "<br>".join(lines)
