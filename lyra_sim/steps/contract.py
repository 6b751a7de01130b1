"""What a step's signature says, and the checks that it says it truly: against the scene, and against the steps before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NoReturn, Protocol, get_type_hints, runtime_checkable

from lyra_sim.errors import SpecError, did_you_mean
from lyra_sim.scene.spec import SceneSpec

OUT, SEED, KEPT = "out", "seed", "kept"
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A signature, read."""

    name: str
    """Of the step."""
    inputs: Mapping[str, Any]
    """Earlier steps that it takes the results of, and the types it takes them to be."""
    keywords: Mapping[str, str]
    """Its keyword parameters, ``out`` aside, and the field of the scene that each stands for."""
    fields: tuple[str, ...]
    """Fields of the scene that it, its sources and its plug-ins are told, the seed aside."""
    result: Any
    """Type of its result."""
    load_inputs: Mapping[str, Any]
    """Those of ``inputs`` that ``result.load`` takes, and the types it takes them to be."""
    keeps: bool = False
    """It has a parameter ``kept``: a folder for parts of its work that outlive a change of what they don't depend on."""

    @classmethod
    def of(cls, function: Callable[..., Any], *, sources: Callable[..., Any], plugins: Callable[..., Any]) -> "Contract":
        """Read and check the signature of a step's function, and of what goes with it.

        Raises:
            SpecError: A parameter is no field of the scene, or is of another type than it; a result can't be loaded.
        """
        name, types = function.__name__, get_type_hints(function)
        inputs: dict[str, Any] = {}
        keywords: dict[str, str] = {}
        keeps = False
        for parameter in signature(function).parameters.values():
            if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                _refuse(name, f"it takes {parameter}", expected="parameters with a name and a type")
            if parameter.kind in _POSITIONAL:
                inputs[parameter.name] = types.get(parameter.name)
            elif parameter.name == KEPT:
                keeps = True
                _same_type(name, "its parameter 'kept'", types.get(KEPT), Path | None)
            elif parameter.name != OUT:
                keywords[parameter.name] = _field(name, parameter.name, types)
        if types.get(OUT) is not Path:
            _refuse(name, "it has no folder to write to", expected="a keyword parameter 'out: Path'")
        told = list(keywords.values())
        for extra in (sources, plugins):
            told += [_field(name, parameter, get_type_hints(extra)) for parameter in signature(extra).parameters]
        result = types.get("return")
        if not hasattr(result, "load"):
            _refuse(name, f"it returns {_shown(result)}, which can't be loaded", expected="a type with 'load(folder, …)'")
        return cls(
            name=name,
            inputs=inputs,
            keywords=keywords,
            fields=tuple(field for field in dict.fromkeys(told) if field != SEED),
            result=result,
            load_inputs=_load_inputs(name, result, inputs),
            keeps=keeps,
        )


@runtime_checkable
class Contracted(Protocol):
    """Anything with a contract."""

    @property
    def contract(self) -> Contract: ...


def check_table(table: Sequence[Contracted]) -> None:
    """Check that every step takes what earlier steps return.

    Raises:
        SpecError: It needs a step that doesn't come before it, takes its result for another type, or returns what another
            step returns: two steps with one type of result could be mistaken for each other.
    """
    before: dict[str, Any] = {}
    for contract in (entry.contract for entry in table):
        if contract.name in before:
            _refuse(contract.name, "there are two of that name", expected="names that differ")
        if unmet := [need for need in contract.inputs if need not in before]:
            _refuse(contract.name, f"it needs {', '.join(unmet)}", expected="needs that come before it")
        for need, taken in contract.inputs.items():
            _same_type(contract.name, f"its parameter '{need}'", taken, before[need])
        for need, taken in contract.load_inputs.items():
            _same_type(contract.name, f"parameter '{need}' of {_shown(contract.result)}.load", taken, before[need])
        if twins := [name for name, result in before.items() if result is contract.result]:
            _refuse(contract.name, f"it returns {_shown(contract.result)}, as {twins[0]} does", expected="a type of its own")
        before[contract.name] = contract.result


def _field(step: str, parameter: str, types: Mapping[str, Any]) -> str:
    """The field of the scene that a parameter stands for."""
    field = parameter.removesuffix("_")
    known = SceneSpec.model_fields
    if field not in known:
        hint = did_you_mean(field, list(known))
        _refuse(step, f"its parameter '{parameter}' is no field of the scene", expected="fields of SceneSpec", next_step=hint)
    _same_type(step, f"its parameter '{parameter}'", types.get(parameter), known[field].annotation)
    return field


def _load_inputs(step: str, result: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What ``result.load`` takes beside the folder."""
    types = get_type_hints(result.load)
    names = list(signature(result.load).parameters)[1:]
    if strange := [name for name in names if name not in inputs]:
        found = f"{_shown(result)}.load takes {', '.join(strange)}"
        _refuse(step, found, expected=f"the folder, and of {', '.join(inputs) or 'nothing'} what it takes to load")
    return {name: types.get(name) for name in names}


def _same_type(step: str, parameter: str, taken: Any, given: Any) -> None:
    if taken != given:
        _refuse(step, f"{parameter} is {_shown(taken)}", expected=f"{_shown(given)}, which is what it is given")


def _shown(annotation: Any) -> str:
    if annotation is None:
        return "of no stated type"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _refuse(step: str, found: str, *, expected: str, next_step: str | None = None) -> NoReturn:
    raise SpecError(f"step '{step}'", found, expected=expected, next_step=next_step)
