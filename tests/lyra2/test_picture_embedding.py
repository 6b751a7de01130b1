"""What CLIP is shown and which of its layers is told, against transformers' own and diffusers' pipeline."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from diffusers import WanImageToVideoPipeline
from transformers import CLIPVisionConfig, CLIPVisionModel

from lyra_sim.errors import GeometryError, InputError
from lyra_sim_lyra2.encoders.picture_embedding import CLIP_MEAN, CLIP_STD, PictureEmbedder

SIDE, WIDTH = 28, 32


def tiny() -> CLIPVisionModel:
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
    return CLIPVisionModel(CLIPVisionConfig(image_size=SIDE, patch_size=14, hidden_act="gelu", **sizes)).eval()


def frame() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(3, 40, 64) * 2 - 1


def normalised(square: torch.Tensor) -> torch.Tensor:
    return torch.stack([((square[n] + 1) / 2 - CLIP_MEAN[n]) / CLIP_STD[n] for n in range(3)])


def test_the_layer_before_the_last_is_told_as_in_diffusers_pipeline() -> None:
    """Given the same pixels, which its image processor would have made."""
    encoder = tiny()
    pixels = normalised(F.interpolate(frame()[None], size=(SIDE, SIDE), mode="bicubic", align_corners=False)[0])

    class Pipeline:
        image_encoder = encoder
        _execution_device = torch.device("cpu")

        @staticmethod
        def image_processor(images, return_tensors):
            class Batch(dict):
                def to(self, device):
                    return self

            return Batch(pixel_values=images)

    with torch.inference_mode():
        theirs = WanImageToVideoPipeline.encode_image(Pipeline(), pixels[None])
        last = encoder(pixel_values=pixels[None]).last_hidden_state
    ours = PictureEmbedder(encoder).embed(frame())
    assert ours.shape == (1, 1 + 4, WIDTH) and (ours - theirs).abs().max() <= 1e-6
    assert (ours - last).abs().max() > 1e-2


def test_the_frame_is_stretched_without_antialiasing() -> None:
    """Bicubic at the centre of every new pixel: one whose centre falls on an old one's keeps its value exactly."""
    seen: list[torch.Tensor] = []
    encoder = tiny()
    encoder.embeddings.register_forward_pre_hook(lambda _, args, kwargs: seen.append(args[0]), with_kwargs=True)
    shown = torch.rand(3, SIDE * 3, SIDE * 5) * 2 - 1
    PictureEmbedder(encoder).embed(shown)
    assert (seen[0][0] - normalised(shown[:, 1::3, 2::5])).abs().max() <= 1e-5


def test_precision_is_what_was_asked_for() -> None:
    told = PictureEmbedder(tiny(), dtype=torch.bfloat16).embed(frame())
    exact = PictureEmbedder(tiny()).embed(frame())
    assert told.dtype == torch.bfloat16 and 0 < (told.float() - exact).abs().max() < 0.1


def test_a_folder_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path / "image_encoder")
    assert torch.equal(PictureEmbedder.load(tmp_path / "image_encoder").embed(frame()), PictureEmbedder(tiny()).embed(frame()))
    with pytest.raises(InputError, match=r"no config\.json"):
        PictureEmbedder.load(tmp_path)
    (tmp_path / "image_encoder" / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match="no CLIPVisionModel can be read"):
        PictureEmbedder.load(tmp_path / "image_encoder")


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(GeometryError, match="0x40"):
        PictureEmbedder(tiny()).embed(torch.zeros(3, 40, 0))
