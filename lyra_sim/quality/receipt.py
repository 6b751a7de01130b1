"""What a receipt of ``tools/isaac_receipt.py`` says about a world, in figures. A receipt about other bytes says nothing.

The receipt's own verdict isn't taken over: figures are made from its rows and judged by the same limits as everything else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.data.files import read_json
from lyra_sim.data.report import Metric
from lyra_sim.errors import InputError
from lyra_sim.physics.result import ON_FLOOR
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured

RECEIPT_VERSION = 1
"""Of receipts that are understood. Convention."""

ENGINE = "isaac-sim"
"""What a receipt has to be made by to count: other engines are gates of their own."""


def receipt_metrics(receipt: Path | None, package: Path) -> list[Metric]:
    """The figures of ``receipt`` about the world package in the folder ``package``.

    Without a receipt, or with one that is about other files or comes from another engine, there is one figure,
    ``isaac.receipt``, and it is not measured.

    Raises:
        InputError: The receipt is no receipt.
    """
    if receipt is None or not receipt.is_file():
        return [_no_receipt("no receipt; tools/isaac_receipt.py makes one under Isaac Sim")]
    stored = read_json(receipt)
    try:
        version, engine, about = stored["receipt_version"], stored["engine"], stored["package"]
        if version != RECEIPT_VERSION:
            raise InputError(
                str(receipt),
                f"it is of version {version}",
                expected=f"version {RECEIPT_VERSION}",
                next_step="Make a new one with the tools/isaac_receipt.py that came with this lyra-sim.",
            )
        if engine["name"] != ENGINE:
            return [_no_receipt(f"made by {engine['name']}, not by Isaac Sim")]
        if about["manifest_sha256"] != hashlib.sha256((package / "manifest.json").read_bytes()).hexdigest():
            return [_no_receipt("stale: it is about another build of this world")]
        if about["damaged_files"]:
            names = ", ".join(about["damaged_files"][:3])
            return [_no_receipt(f"stale: files had changed when Isaac Sim read them ({names})")]
        routes = [row["name"] for row in read_json(package / "manifest.json")["routes"]]
        return _figures(stored, routes)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            str(receipt),
            f"not a whole receipt ({type(error).__name__}: {error})",
            expected="a file that tools/isaac_receipt.py wrote",
        ) from error


def _no_receipt(why: str) -> Metric:
    return not_measured("isaac.receipt", "flag", why)


def _figures(stored: Mapping[str, Any], planned: Sequence[str]) -> list[Metric]:
    engine, items = stored["engine"], stored["items"]
    who = f"Isaac Sim {engine['version']}, {engine['physics']}, {engine['gpu'] or 'no GPU named'}"
    probes, routes, depth, rgb = (_Rows(items[name]) for name in ("probes", "routes", "depth", "rgb"))
    resting = [row for row in probes.rows if not row["fell"]]
    driven = {row["name"]: row for row in routes.rows if row["arrived"] and not row["fell"] and not row["stuck"]}
    lost = [name for name in planned if name not in driven]
    errors = [abs(row["driven_length"] / row["planned_length"] - 1) for row in driven.values()]
    twins = [row for row in routes.rows if row["ours"] is not None]
    compared = sum(row["compared"] for row in depth.rows)
    return [
        measured("isaac.receipt", True, n=1, note=who),
        measured("isaac.simulated", _number(stored["simulated_s"]), n=1),
        probes.metric("probes_fell", lambda rows: sum(bool(row["fell"]) for row in rows)),
        probes.metric("on_floor", lambda rows: _share_on_floor(resting), n=len(resting)),
        probes.metric("settle_error", lambda rows: max((abs(_number(row["height_error"])) for row in resting), default=np.nan)),
        routes.metric(
            "routes_driven",
            lambda rows: (len(planned) - len(lost)) / len(planned),
            n=len(planned),
            note=", ".join(lost[:4]),
        ),
        routes.metric("length_error", lambda rows: max(errors, default=np.nan), n=len(errors)),
        routes.metric("upright", lambda rows: np.min([_number(row["upright_cosine"]) for row in rows])),
        routes.metric(
            "agreement",
            lambda rows: max(map(_difference, twins), default=np.nan),
            n=len(twins),
            note="" if twins else "the receipt was made without gate_physx.json, or with another robot",
        ),
        depth.metric("depth_median", lambda rows: _worst([row["median"] for row in rows if row["compared"]]), n=compared),
        depth.metric("depth_off", lambda rows: sum(row["off_by_5cm"] for row in rows) / max(compared, 1), n=compared),
        rgb.metric("rgb_correlation", lambda rows: np.median([row["correlation"] or 0.0 for row in rows])),
        rgb.metric("rgb_level", lambda rows: np.median([_number(row["mean_level"]) for row in rows])),
    ]


class _Rows:
    """One item of the receipt: rows, or why there are none."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self.rows: list[Any] = item.get("rows", [])
        self.why = str(item.get("why", "no rows"))

    def metric(self, name: str, figure: Any, *, n: int | None = None, note: str = "") -> Metric:
        """``isaac.<name>`` from a function of the rows; not measured when there are none."""
        full = f"isaac.{name}"
        if not self.rows:
            return not_measured(full, limit_of(full).unit, self.why)
        return measured(full, figure(self.rows), n=len(self.rows) if n is None else n, note=note)


def _share_on_floor(resting: Sequence[Mapping[str, Any]]) -> float:
    """Of the probes that didn't fall; one without a height isn't on the floor."""
    held = [abs(_number(row["height_error"])) <= ON_FLOOR for row in resting]
    return sum(held) / len(held) if held else np.nan


def _number(value: Any) -> float:
    """NaN for what the receipt couldn't measure."""
    return np.nan if value is None else float(value)


def _worst(values: Sequence[float | None]) -> float:
    """Largest; NaN when one is missing, because a view that hit nothing must not be outshone by others."""
    return float(np.max([_number(value) for value in values])) if values else np.nan


def _difference(row: Mapping[str, Any]) -> float:
    """Of the driven lengths in Isaac Sim and in our PhysX, as a share of the plan; 1 when only one of them got there."""
    ours = row["ours"]
    if bool(row["arrived"]) != bool(ours["arrived"]) or row["driven_length"] is None:
        return 1.0
    return abs(float(row["driven_length"]) - float(ours["driven_length"])) / float(row["planned_length"])
