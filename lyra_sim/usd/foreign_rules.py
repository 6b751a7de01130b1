"""Rules written by others: OpenUSD's validators and NVIDIA's, with their findings in our shape."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pxr import UsdValidation

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.usd.issues import Issue, Severity
from lyra_sim.usd.view import View

_OPENUSD_SEVERITY: dict[str, Severity] = {"Error": "error", "Warn": "warning", "Info": "info"}
_NVIDIA_SEVERITY: dict[str, Severity] = {"ERROR": "error", "FAILURE": "error", "WARNING": "warning", "INFO": "info"}


def openusd_issues(view: View) -> Iterator[Issue]:
    """Every validator that comes with OpenUSD (``pxr.UsdValidation``, successor of usdchecker)."""
    for error in _openusd_context().Validate(view.stage):
        sites = [site.GetPrim().GetPath() for site in error.GetSites() if site.IsPrim()]
        yield Issue(
            tool="openusd",
            rule=str(error.GetIdentifier()),
            severity=_OPENUSD_SEVERITY[error.GetType().name],
            message=error.GetMessage().strip(),
            path=str(sites[0]) if sites else "",
            variant=view.variant,
        )


def nvidia_issues(view: View) -> Iterator[Issue]:
    """NVIDIA's default rules and, where splats are composed, the schema rule that isn't among them (VG.035)."""
    try:
        import usd_validation_nvidia as nvidia
    except ImportError as error:
        raise EnvironmentNotReady(
            "usd-validation-nvidia",
            "it can't be imported",
            likely="It isn't installed, or a second USD (usd-exchange) is installed beside usd-core.",
            next_step="Install it: pip install usd-validation-nvidia",
        ) from error
    engine = nvidia.ValidationEngine(variants=False)
    if view.splat_fields:
        engine.enable_rule(nvidia.GaussianSplatSchemaChecker)
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
def _openusd_context() -> Any:
    registry = UsdValidation.ValidationRegistry()
    names = sorted(metadata.name for metadata in registry.GetAllValidatorMetadata() if not metadata.isSuite)
    return UsdValidation.ValidationContext([registry.GetOrLoadValidatorByName(name) for name in names])


def _site(at: Any) -> str:
    """The prim or property path within NVIDIA's nested description of a place."""
    for name in ("path", "prim_path"):
        if getattr(at, name, None):
            return str(getattr(at, name))
    return ""
