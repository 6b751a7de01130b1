"""Rules written by others: OpenUSD's validators and NVIDIA's, with their findings in our shape."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from pxr import UsdValidation

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.usd.rules.issues import Issue, Severity
from lyra_sim.usd.rules.stage_view import View

_OPENUSD_SEVERITY: dict[str, Severity] = {"Error": "error", "Warn": "warning", "Info": "info"}
_NVIDIA_SEVERITY: dict[str, Severity] = {"ERROR": "error", "FAILURE": "error", "WARNING": "warning", "INFO": "info"}
_SPLAT_RULE = "GaussianSplatSchemaChecker"
"""VG.035: not among NVIDIA's defaults, and only asked where splats are composed."""


def openusd_rules() -> dict[str, str]:
    """Every validator that comes with OpenUSD (``pxr.UsdValidation``, successor of usdchecker)."""
    return {name: doc for name, (_, doc) in _openusd_validators().items()}


def openusd_issues(view: View, rules: Collection[str]) -> Iterator[Issue]:
    """What the validators with these names say."""
    validators = [validator for name, (validator, _) in _openusd_validators().items() if name in rules]
    for error in UsdValidation.ValidationContext(validators).Validate(view.stage):
        sites = [site.GetPrim().GetPath() for site in error.GetSites() if site.IsPrim()]
        yield Issue(
            tool="openusd",
            rule=str(error.GetValidator().GetMetadata().name),
            severity=_OPENUSD_SEVERITY[error.GetType().name],
            message=error.GetMessage().strip(),
            path=str(sites[0]) if sites else "",
            variant=view.variant,
        )


def nvidia_rules() -> dict[str, str]:
    """NVIDIA's default rules and the schema rule for splats that isn't among them."""
    return {name: _first_sentence(rule.__doc__) for name, rule in _nvidia_checkers().items()}


def nvidia_issues(view: View, rules: Collection[str]) -> Iterator[Issue]:
    """What the rules with these names say."""
    nvidia = _nvidia()
    engine = nvidia.ValidationEngine(init_rules=False, variants=False)
    for name, rule in _nvidia_checkers().items():
        if name in rules and (name != _SPLAT_RULE or view.splat_fields):
            engine.enable_rule(rule)
    for issue in engine.validate(view.stage).issues():
        yield Issue(
            tool="nvidia",
            rule=getattr(issue.rule, "__name__", "engine"),
            severity=_NVIDIA_SEVERITY[issue.severity.name],
            message=str(issue.message).strip(),
            path=_site(issue.at),
            variant=view.variant,
        )


@cache
def _openusd_validators() -> dict[str, tuple[Any, str]]:
    registry = UsdValidation.ValidationRegistry()
    single = {data.name: data.doc for data in registry.GetAllValidatorMetadata() if not data.isSuite}
    return {name: (registry.GetOrLoadValidatorByName(name), _first_sentence(single[name])) for name in sorted(single)}


@cache
def _nvidia_checkers() -> dict[str, Any]:
    """Sorted by name: the package keeps them in a set, whose order differs between processes."""
    nvidia = _nvidia()
    found = {rule.__name__: rule for rule in nvidia.ValidationEngine(variants=False).rules}
    found[_SPLAT_RULE] = getattr(nvidia, _SPLAT_RULE)
    return dict(sorted(found.items()))


def _nvidia() -> Any:
    try:
        import usd_validation_nvidia
    except ImportError as error:
        raise EnvironmentNotReady(
            "usd-validation-nvidia",
            "it can't be imported",
            likely="It isn't installed, or a second USD (usd-exchange) is installed beside usd-core.",
            next_step="Install it: pip install usd-validation-nvidia",
        ) from error
    return usd_validation_nvidia


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split()).partition(". ")[0].rstrip(".")


def _site(at: Any) -> str:
    """The prim or property path within NVIDIA's nested description of a place."""
    for name in ("path", "prim_path"):
        if getattr(at, name, None):
            return str(getattr(at, name))
    return ""
