"""What drawn videos show of the small house, frame by frame against its meshes seen from the same cameras.

    python benchmarks/drawn_walks.py --visual scene_visual.glb ceiling_visual.glb

The photos are the meshes seen from the cameras of the example scene, so that light is the same in photos, video and truth. From
them ``reproject`` draws the presets that walk. PSNR is over all compared frames together.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from rendered_walk import FOCAL, HEIGHT, WIDTH, Walk, write_walk

from lyra_sim import load_scenes
from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.data.capture import Capture
from lyra_sim.data.given import PaintedMesh
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.reproject import Reproject
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.quality.generated import black_frames
from lyra_sim.rendering.painted_view import PaintedScene
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture

EXAMPLES = Path(__file__).parents[1] / "examples" / "scenes.yaml"


def photographed(truth: PaintedScene, folder: Path) -> Capture:
    """The meshes from the cameras of the example scene, as posed RGB-D frames, captured."""
    scene = next(scene for scene in load_scenes(EXAMPLES) if scene.name == "small_house")
    (folder / "example").mkdir()
    c2w = capture.run(scene, {}, out=folder / "example").cameras.c2w
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    cameras = CameraPath(c2w=c2w, K=np.tile(K, (len(c2w), 1, 1)), width=WIDTH, height=HEIGHT)
    write_walk(Walk(scene=truth, cameras=cameras, length=0.0, stops=0), folder / "photos")
    rgbd = {"frames": folder / "photos" / "rgb", "depth": folder / "photos" / "depth_mm"}
    rgbd |= {"cameras": folder / "photos" / "transforms.json", "depth_unit": "mm"}
    limits = {"max_depth": 12.5, "hold_out_every": 8}
    posed = {"name": "small_house", "rgbd": rgbd, "scale": "metric", "up": "z", "capture": limits}
    (folder / "capture").mkdir()
    return capture.run(SceneSpec.model_validate(posed), {}, out=folder / "capture")


def looks_away(c2w: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Angle of each frame to the view of the two nearest photos that agrees better [degrees]."""
    near = np.linalg.norm(c2w[:, None, :3, 3] - photos[None, :, :3, 3], axis=2).argsort(axis=1)[:, :2]
    cosines = np.einsum("ni,nki->nk", c2w[:, :3, 2], photos[near, :3, 2]).max(axis=1)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def measured(views: Capture, preset: str, truth: PaintedScene, options: argparse.Namespace) -> str:
    """One row of the table."""
    cfg = GenerateConfig.model_validate({"path": preset, "chunks": options.chunks, "side": options.side})
    with tempfile.TemporaryDirectory() as folder:
        frames = generate_video(views, cfg, Reproject(cfg), seed=7, out=Path(folder)).frames
        assert frames is not None
        squares, known = [], []
        for index in range(0, len(frames), options.every):
            true, _ = truth.view(frames.cameras, index, near=0.05, smooth=2)
            squares.append(((frames.rgb(index).astype(float) - true) ** 2).mean(axis=2))
            known.append(~frames.invented(index))
        black = len(black_frames(frames))
    error, carried = np.stack(squares), np.stack(known)
    used = views.cameras.c2w[np.array(views.used)]
    away = looks_away(frames.cameras.c2w, used)
    steps = np.linalg.norm(np.diff(frames.cameras.centres, axis=0), axis=1)
    return (
        f"| `{preset}` | {10 * np.log10(255**2 / error.mean()):.1f} | {10 * np.log10(255**2 / error[carried].mean()):.1f} | "
        f"{1 - carried.mean():.1%} | {black} | {np.median(away):.1f}°, {away.max():.0f}° | {steps.max() / steps.mean():.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=1, help="chunks of 80 frames (default: %(default)s)")
    parser.add_argument("--side", type=int, default=320, help="longer side of the frames [px] (default: %(default)s)")
    parser.add_argument("--every", type=int, default=2, help="every so many frames is compared (default: %(default)s)")
    parser.add_argument("--visual", type=Path, nargs="+", required=True, help="the house as it is, in metres, z up")
    options = parser.parse_args()
    truth = PaintedScene(PaintedMesh.joined([read_given_mesh(path).mesh for path in options.visual]))
    print("| walk | all pixels [dB] | known ones [dB] | made up | black frames | off the photos | longest step |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        views = photographed(truth, Path(folder))
        for preset in ("walk_through", "there_and_back"):
            print(measured(views, preset, truth, options), flush=True)


if __name__ == "__main__":
    main()
