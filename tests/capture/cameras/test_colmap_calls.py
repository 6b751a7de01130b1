"""COLMAP and Pillow in one process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["colmap_calls", "colmap_model", "photo_matches", "structure_from_motion"])
def test_pillow_writes_png_after_colmap_was_loaded(module: str) -> None:
    """pycolmap brings a zlib of its own; loaded before Pillow's, the first PNG ends the process with a double free."""
    code = (
        f"import lyra_sim.capture.cameras.{module}; import pycolmap; from io import BytesIO; from PIL import Image; "
        "Image.effect_noise((64, 64), 50).save(BytesIO(), 'PNG'); print('written')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "written\n", done.stderr
