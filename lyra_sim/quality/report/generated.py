"""The report's section on generated frames: what was drawn, and which of it nobody ever photographed."""

from html import escape

import numpy as np
from jaxtyping import UInt8

from lyra_sim.data.capture import DepthFacts
from lyra_sim.data.video import INVENTED, NEW, GeneratedFrames, WorldVideo
from lyra_sim.quality.report import pictures
from lyra_sim.quality.report.page import Figure, Section, image, swatches

INVENTED_RGB, NEW_RGB = (230, 120, 30), (214, 51, 108)
"""Tints of drawn pixels. Convention."""
SHOWN = 6
"""Frames shown, evenly spread, the first and the last among them. Convention."""
TOLD_CHUNKS = 12
"""Chunks told of; of more, the first ones and a count. Convention."""


def walk_section(video: WorldVideo, depth: DepthFacts | None, *, width: int) -> Section | None:
    """None for a scene without a path."""
    frames, facts = video.frames, video.facts
    if frames is None or facts is None:
        return None
    shown = np.unique(np.linspace(0, len(frames) - 1, SHOWN).round().astype(int))
    figures = tuple(_frame_figure(frames, int(index), width) for index in shown)
    keys = swatches(
        [("drawn where photos looked: adds nothing", INVENTED_RGB), ("drawn where none looked: added, unseen", NEW_RGB)]
    )
    path = dict(sorted(facts.path.to_json().items()))
    clearance = path.pop("clearance") or {}
    path |= {f"clearance {name}": value for name, value in sorted(clearance.items())}
    told = ", ".join(f"{escape(name).replace('_', ' ')} {escape(_plain(value))}" for name, value in path.items())
    lines = [f"{len(frames)} frames by {escape(facts.backend)}; {told}.", keys]
    if facts.weights is not None:
        lines.append(f"Weights of the network: {escape(str(facts.weights['weights_licence']))}.")
    if depth is not None and depth.guessed:
        lines.append("The photo's depth is itself a guess about the room: of what it shows, only the colours are known.")
    for number, chunk in enumerate(facts.chunks[:TOLD_CHUNKS]):
        residual = "nothing known in view" if chunk.depth_residual is None else f"{chunk.depth_residual:.2%} off known depth"
        if chunk.depth_scale_conflict:
            residual += f", in doubt: its cameras tell a scale of {chunk.camera_scale:.3g}, not {chunk.depth_scale:.3g}"
        lines.append(
            f"Chunk {number}, frames {chunk.first} to {chunk.last}: {chunk.known_share:.1%} from photos, "
            f"{chunk.new_share:.2%} new, depth {residual}."
        )
    if len(facts.chunks) > TOLD_CHUNKS:
        lines.append(f"… and {len(facts.chunks) - TOLD_CHUNKS} more chunks.")
    lines.append('The whole walk: <a href="video/walkthrough.mp4">video/walkthrough.mp4</a>.')
    return Section(title="The generated walk", text="<br>".join(lines), figures=figures)


def origin_tinted(frames: GeneratedFrames, index: int) -> UInt8[np.ndarray, "h w 3"]:
    """A frame with every pixel tinted that no photo shows."""
    tinted, origin = frames.rgb(index).astype(np.float32), frames.origin(index)
    for value, colour in ((INVENTED, INVENTED_RGB), (NEW, NEW_RGB)):
        at = origin == value
        tinted[at] = 0.4 * tinted[at] + 0.6 * np.array(colour, np.float32)
    return tinted.astype(np.uint8)


def _frame_figure(frames: GeneratedFrames, index: int, width: int) -> Figure:
    pair = (("drawn", frames.rgb(index)), ("origin", origin_tinted(frames, index)))
    strip = "".join(
        image(pictures.jpeg_uri(pictures.resized(picture, width)), alt=f"{what}, frame {index}") for what, picture in pair
    )
    return Figure(html=f'<div class="strip pair">{strip}</div>', caption=f"Frame {index}")


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
