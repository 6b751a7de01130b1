"""8-bit weights: how much they lose, how large they are, and that what ships can be used and trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lyra_sim.depth.network.network import DepthNetwork
from lyra_sim.depth.network.training import Schedule, warm_started
from lyra_sim.depth.network.weights import SCALE, SHIPPED, STEM, load_network, packed, save_network, unpacked
from lyra_sim.errors import InputError
from tests.depth.network.toy import TOY, toy_batch


def test_a_channel_loses_half_a_step_at_the_most(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DepthNetwork(TOY).eval()
    state = network.state_dict()
    small = packed(state)
    for name, value in unpacked(small).items():
        if name + SCALE in small:
            step = small[name + SCALE].reshape(-1, *[1] * (value.dim() - 1))
            assert small[name].dtype == torch.int8 and ((value - state[name]).abs() <= 0.501 * step).all()
        else:
            assert torch.equal(value, state[name])
    save_network(tmp_path, network, {"steps": 1, "sigma_factor": 1.5})
    loaded, facts = load_network(tmp_path)
    assert loaded.config == TOY and facts["sigma_factor"] == 1.5
    batch = toy_batch()
    with torch.no_grad():
        off = (loaded(batch.rgb, batch.geometry).inverse_depth / network(batch.rgb, batch.geometry).inverse_depth).log().abs()
    assert float(off.median()) < 0.02


def test_what_ships_is_small_and_works() -> None:
    files = sorted(SHIPPED.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= 8e6
    network, facts = load_network(SHIPPED)
    assert sum(value.numel() for value in network.parameters()) <= 8e6
    assert {"steps", "sigma_factor", "config"} <= set(facts)
    batch = toy_batch(2)
    with torch.no_grad():
        told = network(batch.rgb, batch.geometry)
    assert torch.isfinite(told.inverse_depth).all() and (told.inverse_depth > 0).all()


def test_training_goes_on_from_8_bits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_network(tmp_path, DepthNetwork(TOY), {})
    trainer = warm_started(load_network(tmp_path)[0], Schedule(total=10, warm_up=2), torch.device("cpu"))
    told = trainer.learn(toy_batch())
    assert all(np.isfinite(float(value)) for value in told.values())


@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
def test_weights_that_are_not_there_are_told_in_one_error(tmp_path: Path, there: bool) -> None:
    folder = tmp_path if there else tmp_path / "absent"
    with pytest.raises(InputError, match="no weights of the depth network") as told:
        load_network(folder)
    assert told.value.subject == str(folder) and STEM in str(told.value.expected)
    assert "checkout" in str(told.value.next_step)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_network(tmp_path, DepthNetwork(TOY), {})
    (file,) = tmp_path.glob("*.safetensors")
    save_file({"other": torch.zeros(2)}, file, {"facts": '{"config": {"widths": [32, 32, 32, 32]}}'})
    with pytest.raises(InputError, match="weights of another network"):
        load_network(tmp_path)
    file.rename(tmp_path / f"{STEM}-1-of-2.safetensors")
    with pytest.raises(InputError, match="1 files of"):
        load_network(tmp_path)
