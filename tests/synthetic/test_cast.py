"""Rays against shapes whose distances are known."""

import pytest
import torch

from lyra_sim.synthetic.cast import nearest_hit, surface_at
from lyra_sim.synthetic.paint import MATERIAL
from lyra_sim.synthetic.rooms import Rooms
from lyra_sim.synthetic.shapes import round_rows, upright


def room(
    *, box: torch.Tensor | None = None, thing: torch.Tensor | None = None, high: tuple[float, float, float] = (5.0, 4.0, 3.0)
) -> Rooms:
    """Empty air from 0 to ``high``, with one box and one round thing at the most."""
    far = torch.tensor([0.0, 0.0, -1000.0])
    one = torch.ones(3)
    boxes = box if box is not None else upright(far, one, torch.zeros(()))
    rounds = thing if thing is not None else round_rows(far, one, torch.zeros(()), torch.ones(()))
    air = torch.tensor([[0.0, 0.0, 0.0, *high]])
    return Rooms(
        boxes=boxes[None, None],
        rounds=rounds[None, None],
        shell=air,
        air=air,
        materials=torch.zeros((1, 5, MATERIAL)),
        lamps=torch.zeros((1, 3, 6)),
        ambient=torch.ones((1, 3)),
    )


def hit(rooms: Rooms, origin: list[float], direction: list[float]) -> tuple[float, torch.Tensor]:
    origins, directions = torch.tensor([[origin]]), torch.tensor([[direction]])
    t, index = nearest_hit(rooms, origins, directions)
    return float(t), surface_at(rooms, index, origins + t[..., None] * directions, directions)[0][0, 0]


@pytest.mark.parametrize(
    ("direction", "distance", "normal"),
    [
        ([1.0, 0.0, 0.0], 4.0, [-1, 0, 0]),
        ([-1.0, 0.0, 0.0], 1.0, [1, 0, 0]),
        ([0.0, 0.0, 2.0], 0.75, [0, 0, -1]),
        ([1.0, 0.0, -1.0], 1.5, [0, 0, 1]),
    ],
)
def test_walls_floor_and_ceiling(direction: list[float], distance: float, normal: list[float]) -> None:
    t, found = hit(room(), [1.0, 2.0, 1.5], direction)
    assert t == pytest.approx(distance, abs=1e-5)
    assert torch.allclose(found, torch.tensor(normal, dtype=torch.float32), atol=1e-5)


def test_every_pixel_of_a_box_room_has_its_analytic_depth() -> None:
    torch.manual_seed(0)
    origins, directions = torch.tensor([[2.0, 1.0, 1.2]]).expand(500, 3)[None], torch.randn(1, 500, 3)
    t, _ = nearest_hit(room(), origins, directions)
    points = (origins + t[..., None] * directions).double()
    off = torch.minimum(points, torch.tensor([5.0, 4.0, 3.0]) - points)
    assert (off > -1e-4).all() and (off.amin(dim=-1).abs() < 1e-4).all()


def test_a_turned_box() -> None:
    quarter = upright(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([0.5, 0.5, 1.0]), torch.tensor(torch.pi / 4))
    t, normal = hit(room(box=quarter), [1.0, 2.01, 1.0], [1.0, 0.0, 0.0])
    assert t == pytest.approx(2 - 0.5 * 2**0.5 + 0.01, abs=1e-4)
    assert torch.allclose(normal, torch.tensor([-(0.5**0.5), 0.5**0.5, 0.0]), atol=1e-4)


def test_a_wedge_is_cut() -> None:
    cut = torch.tensor([1.0, 0.0, 1.0, 0.0])  # keeps x + z <= 0 of its own frame
    wedge = upright(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([0.5, 0.5, 0.5]), torch.zeros(()), cut)
    t, normal = hit(room(box=wedge), [3.2, 2.0, 2.5], [0.0, 0.0, -1.0])
    assert t == pytest.approx(2.5 - 0.8, abs=1e-4)
    assert torch.allclose(normal, torch.tensor([0.5**0.5, 0.0, 0.5**0.5]), atol=1e-4)


@pytest.mark.parametrize(("kind", "across", "down"), [(1.0, 1.6, 0.6), (0.0, 1.6, 0.6)])
def test_round_things(kind: float, across: float, down: float) -> None:
    thing = round_rows(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([0.4, 0.4, 0.9]), torch.zeros(()), torch.tensor(kind))
    assert hit(room(thing=thing), [1.0, 2.0, 1.0], [1.0, 0.0, 0.0])[0] == pytest.approx(across, abs=1e-4)
    t, normal = hit(room(thing=thing), [3.0, 2.0, 2.5], [0.0, 0.0, -1.0])
    assert t == pytest.approx(down, abs=1e-4)
    assert torch.allclose(normal, torch.tensor([0.0, 0.0, 1.0]), atol=1e-3)


def test_a_ray_that_starts_inside_leaves_unseen() -> None:
    box = upright(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([0.5, 0.5, 0.5]), torch.zeros(()))
    assert hit(room(box=box), [3.0, 2.0, 1.0], [1.0, 0.0, 0.0])[0] == pytest.approx(2.0)
