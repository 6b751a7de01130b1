"""What else frames of a transforms.json name is told."""

import json
from pathlib import Path

import pytest

from lyra_sim.capture.cameras.frame_images import masks_left_out


@pytest.mark.parametrize(("masked", "said"), [(0, ""), (2, "masks that 2 frames name (mask_path) left out")])
def test_masks_that_nothing_follows_are_told(masked: int, said: str, tmp_path: Path) -> None:
    frames = [{"file_path": f"{n}.png"} | ({"mask_path": f"{n}.mask.png"} if n < masked else {}) for n in range(3)]
    (tmp_path / "transforms.json").write_text(json.dumps({"frames": frames}))
    assert "".join(masks_left_out(tmp_path / "transforms.json")).startswith(said)
    assert bool(masks_left_out(tmp_path / "transforms.json")) == bool(said)
