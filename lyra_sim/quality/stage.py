"""What validators say about an authored stage."""

from collections import Counter
from collections.abc import Sequence

from lyra_sim.data.report import Metric
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.usd.rules.issues import Issue


def stage_metrics(issues: Sequence[Issue]) -> list[Metric]:
    """Errors and warnings over all tools; the note names the rules that were broken."""
    metrics = []
    for severity, name in (("error", "usd.errors"), ("warning", "usd.warnings")):
        rules = Counter(f"{issue.tool} {issue.rule}" for issue in issues if issue.severity == severity)
        note = ", ".join(f"{rule} × {count}" for rule, count in sorted(rules.items()))
        metrics.append(measured(name, rules.total(), n=1, note=note))
    return metrics
