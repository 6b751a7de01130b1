"""The command line. Parses, calls, prints; exit codes come from the errors and the gate."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle OpenMP threads must not spin on shared cores; read at first import
# Read when torch is imported, by its new or its old name: else the parts of a chunk leave gaps that 48 GB can't afford.
os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")

import json
import signal
import sys
import traceback
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console

from lyra_sim import __version__
from lyra_sim.command.assess import assess_command
from lyra_sim.command.convert import convert_command
from lyra_sim.command.formats import formats_command
from lyra_sim.command.inspect import inspect_command
from lyra_sim.command.installed import WithInstalled
from lyra_sim.command.marker import marker_command
from lyra_sim.errors import LyraSimError, SpecError, did_you_mean
from lyra_sim.scene.spec import SceneSpec

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it. Convention."""

app = typer.Typer(
    name="lyra-sim",
    cls=WithInstalled,
    help="From posed RGB-D frames to simulation worlds that carry their own proof.",
    epilog="Exit codes: 0 ok, 1 build or gate failure, 2 usage or configuration, 3 missing input, "
    "4 environment not ready, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("assess")(assess_command)
app.command("convert")(convert_command)
app.command("inspect")(inspect_command)
app.command("formats")(formats_command)
app.command("marker")(marker_command)
_stdout = Console(soft_wrap=True)

SceneFile = Annotated[Path, typer.Argument(metavar="SCENES.yaml", help="The scene file.")]
Out = Annotated[Path, typer.Option(help="Output folder.")]


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"lyra-sim {__version__}")
        raise typer.Exit()


@app.command("build")
def build_command(
    scene_file: SceneFile,
    out: Out = Path("out"),
    scene: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only scenes whose name matches; repeatable.")] = None,
    only: Annotated[str | None, typer.Option(metavar="STEP", help="This step alone.")] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="STEP", help="This step and all later ones, again.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STEP", help="Nothing after this step.")] = None,
    force: Annotated[list[str] | None, typer.Option(metavar="STEP", help="This step again; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and why; write nothing.")] = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Build the other scenes when one fails.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Scenes at the same time.")] = 1,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a value; repeatable.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check stored files by digest, not by size.")] = False,
    timeout_step: Annotated[float, typer.Option(min=0.1, help="Wall-clock limit of a step [s].")] = 7200.0,
    accept_license: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A licence of weights that you have read and accept; repeatable.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Run steps in this process; full tracebacks.")] = False,
) -> None:
    """Build worlds; what is current is kept."""
    from lyra_sim.command.summary import print_plan, print_result
    from lyra_sim.runner import Selection, build, plan
    from lyra_sim.runner.progress import progress
    from lyra_sim.scene.scene_file import load_scenes

    scenes = _chosen(load_scenes(scene_file, set_ or ()), scene or ())
    if dry_run:
        selection = Selection(only=only, from_=from_, until=until, force=tuple(force or ()))
        print_plan(_stdout, plan(scenes, out, selection=selection, verify=verify))
        return
    with progress(_stdout) as listener:
        result = build(
            scenes,
            out,
            only=only,
            from_=from_,
            until=until,
            force=force or (),
            keep_going=keep_going,
            jobs=jobs,
            verify=verify,
            timeout_step=timeout_step,
            isolate=not debug,
            listeners=(listener,),
            accept_licences=accept_license or (),
        )
    for failed in result.scenes:
        if failed.error is not None:
            _print_error(failed.error, debug=debug, scene=failed.scene)
    print_result(_stdout, result)
    raise typer.Exit(result.exit_code)


@app.command("doctor")
def doctor_command() -> None:
    """Check that this machine and environment can do the work."""
    from lyra_sim.command.doctor import examine

    findings = examine()
    for finding in findings:
        _stdout.print(f"{finding.state:<8} {finding.subject:<24} {finding.detail}", markup=False, highlight=False)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(4)


@app.command("plugins")
def plugins_command() -> None:
    """List plug-ins, what they need, and under which terms."""
    from lyra_sim.plugins import all_plugins

    row = "{:<14} {:<8} {:<8} {:<6} {:<9} {:<55} {:<23} {}".format
    typer.echo(row("kind", "name", "version", "ready", "GPU", "needs", "terms", "weights"))
    for spec in all_plugins():
        ready, needs = "no" if spec.missing else "yes", ", ".join(spec.needs.values()) or "-"
        memory = f"{spec.min_vram_gb:g} GB" if spec.min_vram_gb else "no"
        typer.echo(row(spec.kind, spec.name, spec.version, ready, memory, needs, spec.terms, spec.weights_licence or "none"))


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of the scene file, every default included."""
    from lyra_sim.scene.scene_file import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command("validate")
def validate_command(
    stage: Annotated[Path, typer.Argument(metavar="STAGE", help="A .usda, .usdc, .usd or .usdz file, or a package's folder.")],
    format_: Annotated[Literal["text", "json", "junit"], typer.Option("--format", help="How findings are written.")] = "text",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there, and only the count to the screen.")] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="A group, a rule's id, or group:rule; * and ? match; repeatable. All by default."),
    ] = None,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Wall-clock limit [s].")] = 600.0,
    memory_limit: Annotated[float, typer.Option(min=0.5, help="Limit of address space [GiB].")] = 16.0,
) -> None:
    """Check anybody's stage by our rules, OpenUSD's and NVIDIA's, in a process of its own; exit 1 on errors."""
    from lyra_sim.usd.rules.validate import examine_stage
    from lyra_sim.usd.rules.validation_report import FORMATS, as_text

    found = examine_stage(stage, rules=rules or (), timeout_s=time_limit, memory_bytes=int(memory_limit * (1 << 30)))
    written = FORMATS[format_](str(stage), found)
    if out is None:
        typer.echo(written)
    else:
        try:
            out.write_text(written + "\n", encoding="utf-8")
        except OSError as error:
            raise SpecError(f"--out {out}", f"it can't be written ({error.strerror})") from error
        typer.echo(as_text(str(stage), found).splitlines()[-1])
    raise typer.Exit(1 if found.count("error") else 0)


def _chosen(scenes: Sequence[SceneSpec], globs: Sequence[str]) -> tuple[SceneSpec, ...]:
    """Scenes that match any glob; a glob that matches none is a mistake."""
    for glob in globs:
        if not any(fnmatchcase(scene.name, glob) for scene in scenes):
            names = [scene.name for scene in scenes]
            raise SpecError(
                f"--scene {glob}", "no scene matches", expected=", ".join(names), next_step=did_you_mean(glob, names)
            )
    return tuple(scene for scene in scenes if not globs or any(fnmatchcase(scene.name, glob) for glob in globs))


def _print_usage(error: typer.TyperException) -> None:
    """Errors of the parser bring the command's usage with them; typer's public base class doesn't say so."""
    show = getattr(error, "show", None)
    if show is None:
        print(f"Error: {error.format_message()}", file=sys.stderr)
    else:
        show()


def _print_error(error: LyraSimError, *, debug: bool, scene: str | None = None) -> None:
    if debug:
        traceback.print_exception(error)
    print((f"{scene}: " if scene else "") + f"{type(error).__name__}: {error}", file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point ``lyra-sim``: a deliberate error is told without a traceback and ends with its own exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        _print_usage(error)
        code = error.exit_code
    except LyraSimError as error:
        _print_error(error, debug="--debug" in arguments)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader (head, less) has seen enough
        code = 0
    if code == INTERRUPTED:  # typer answers an interrupt inside a command with this code
        print("Interrupted; finished steps are kept, the one under way left nothing behind.", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
