"""The command line: options in, exit codes out. Holds no logic; imports what is heavy only when it is used."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from codeclone import __version__, errors, public_tokenizers
from codeclone.plain import plain

if TYPE_CHECKING:
    from codeclone.model import Report

LEVEL_NAMES = ("weak", "moderate", "strong", "very strong")
FORMATS = ("html", "json", "text")
MAX_REPORT_BYTES = 2**30
"""Of a report that is written again."""

KEPT = ".kept.npz"
"""As `read.tensors` has it, which is imported only when it is used."""

DEFAULT_OUTPUT = "codeclone-report.html"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="codeclone")
def main() -> None:
    """Evidence of copying between machine-learning model repositories."""


@main.command(short_help="Compare two repositories.")
@click.argument("left")
@click.argument("right")
@click.option(
    "--ancestor",
    "ancestors",
    multiple=True,
    metavar="SRC",
    help="A common ancestor: what it has explains what both sides share. May be repeated.",
)
@click.option(
    "--claimed",
    multiple=True,
    metavar="SRC",
    help="A source that the authors of LEFT name as theirs. May be repeated.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="KIND",
    help="Look at this kind of evidence only: code, config, references, tensors, tokenizer or weights. May be repeated.",
)
@click.option(
    "--base-tokenizer",
    metavar="NAME",
    help="What the tokenizer of LEFT was made from: a folder or file, none, or one of "
    f"{', '.join(public_tokenizers.shown())}. [default: recognised]",
)
@click.option(
    "--background",
    "background_table",
    metavar="TABLE",
    help="How rare code is, as codeclone background counted it. [default: the shipped table]",
)
@click.option(
    "--full", is_flag=True, help="Read all numbers of the weights of LEFT and RIGHT; samples of them otherwise."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help=f"Write the report here; the format follows from the suffix. May be repeated. [default: {DEFAULT_OUTPUT}]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(FORMATS),
    help="Format of the report: of each -o in turn, or with no -o of codeclone-report.FORMAT. May be repeated.",
)
@click.option(
    "--fail-on",
    type=click.Choice(LEVEL_NAMES),
    help="Exit with 1 when the verdict is at this level or above.",
)
@click.option("-q", "--quiet", is_flag=True, help="No summary and no progress; only errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is being done, also when stderr is not a terminal.")
def scan(
    left: str,
    right: str,
    ancestors: tuple[str, ...],
    claimed: tuple[str, ...],
    only: tuple[str, ...],
    base_tokenizer: str | None,
    background_table: str | None,
    full: bool,
    outputs: tuple[str, ...],
    formats: tuple[str, ...],
    fail_on: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare LEFT, the repository in question, with RIGHT, the one it may derive from.

    LEFT, RIGHT and each SRC are folders or files; NAME=SRC calls one by another name than that of its folder. Nothing
    in them is run or imported. Prints a summary and writes a report of one
    self-contained HTML file.

    Exit codes: 0 the scan ran, whatever it found; 1 the level of --fail-on is reached; 2 bad input or nothing to
    compare; 3 an internal error.
    """
    with _one_line():
        targets = _targets(outputs, formats)
        gc.disable()  # a process that ends with its one scan; what it imports and makes holds hardly a cycle
        from codeclone.pipeline import scan as run

        with _Progress(quiet, verbose) as progress:
            report = run(
                left,
                right,
                ancestors=ancestors,
                claimed=claimed,
                only=only,
                base_tokenizer=base_tokenizer,
                background_table=background_table,
                full=full,
                progress=progress.step,
            )
            progress.step("writing the report")
            for path, kind in targets:
                _write(report, path, kind)
        if not quiet:
            from codeclone.report import text

            written = [str(path) for path, _ in targets]
            click.echo(text.summary(report, written, color=_color(sys.stdout)))
        if fail_on and _reaches(report.verdict.level, fail_on):
            raise SystemExit(errors.EXIT_GATE)


@main.command(short_help="Write an earlier report again, in any format.")
@click.argument("report", type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="FILE", help="Write here. [default: standard output]")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="[default: by the suffix of -o, else html]")
def render(report: str, output: str | None, kind: str | None) -> None:
    """Render REPORT, a report.json of any earlier scan, in another format."""
    with _one_line():
        loaded = _loaded(report)
        if output:
            for path, its_kind in _targets((output,), (kind,) if kind else ()):
                _write(loaded, path, its_kind)
        else:
            click.echo(_rendered(loaded, kind or "html"), nl=False)


@main.command(short_help="Write the rename tables of tensors in a report.")
@click.argument("report", type=click.Path(dir_okay=False))
@click.option("-o", "--output", metavar="FILE", help="Write here. [default: standard output]")
@click.option("--reverse", is_flag=True, help="From the right names to the left ones.")
def renames(report: str, output: str | None, reverse: bool) -> None:
    """Write the rename tables of REPORT, a report.json, as JSON.

    One table for each pair of checkpoints whose tensors map onto each other: the
    left name of each tensor and its right one, and the rules behind them.
    """
    from codeclone.report import renames as tables

    with _one_line():
        text = tables.renames(_loaded(report), reverse=reverse)
        if output:
            _replace(Path(output), text)
        else:
            click.echo(text, nl=False)


@main.command(short_help="Keep what a later comparison of weights needs.")
@click.argument("source", metavar="SRC")
@click.option("-o", "--output", required=True, metavar="FILE", help=f"Write here; the name ends in {KEPT}.")
@click.option("-q", "--quiet", is_flag=True, help="No summary and no progress; only errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is being done, also when stderr is not a terminal.")
def keep(source: str, output: str, quiet: bool, verbose: bool) -> None:
    """Keep samples of the checkpoints of SRC, a folder or a file, before it is gone.

    FILE can be given to scan in the place of SRC, or lie in a folder that is: of names, shapes and weights a scan then
    says what it says of SRC itself. No part of FILE is a model that could be run.
    """
    with _one_line():
        if not output.lower().endswith(KEPT) or not _usable(Path(output)):
            raise errors.OutputError(f"{output[:200]}: not a file that ends in {KEPT}, in an existing folder")
        from codeclone.keep import keep as run

        with _Progress(quiet, verbose) as progress:
            kept = run(source, progress.step)
            _replace(Path(output), kept.content)
        if not quiet:
            lines = [*kept.told, *(f"left out: {skip.location.path}: {skip.reason}" for skip in kept.skipped)]
            click.echo(plain("\n".join(lines), keep="\n"))
            click.echo(f"{len(kept.told):,} checkpoints kept, {len(kept.content) / 1e6:.1f} MB: {plain(output)}")


@main.command(short_help="Count how rare code is, or show what was counted.")
@click.argument("index", required=False)
@click.option("-o", "--output", metavar="TABLE", help="Write the table here, for scan --background.")
@click.option("--extend", metavar="TABLE", help="Add to the counts of this table, or of the one called shipped.")
@click.option("--show", metavar="TABLE", help="Only say what this table, or the one called shipped, counts.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is being done, and list what was left out.")
def background(index: str | None, output: str | None, extend: str | None, show: str | None, verbose: bool) -> None:
    """Count in how many files of the packages of INDEX each fact of code occurs.

    INDEX is a text file with a package in each line: name, release and folder, or the folder alone; folders are relative
    to INDEX. Releases of one name are counted as one package. Below the headings [python] and [kernels] only files of
    Python, and of C, C++ and CUDA, are counted; below [all] both. Only hashes and counts are written.
    """
    with _one_line():
        if show is not None and (index, output, extend) == (None, None, None):
            from codeclone import stock

            click.echo("\n".join(stock.shown(show)))
        elif show is None and index is not None and output is not None:
            _build_background(index, output, extend, verbose)
        else:
            raise errors.OutputError("give INDEX and -o TABLE, or --show TABLE alone")


def _build_background(index: str, output: str, extend: str | None, verbose: bool) -> None:
    if not _usable(Path(output)):
        raise errors.OutputError(f"{output[:200]}: not a file in an existing folder")
    from codeclone import stock
    from codeclone.background import packed

    with _Progress(False, verbose) as progress:
        built = stock.build(stock.read_index(index), stock.table_named(extend) if extend else None, progress.step)
    content = packed(built.table)
    _replace(Path(output), content)
    if verbose:
        for place, reason in built.left_out:
            click.echo(plain(f"left out: {place}: {reason}"), err=True)
    click.echo("\n".join(stock.told(built.table)))
    click.echo(
        f"{built.facts:,} facts met, {len(built.left_out):,} files or parts left out; {len(content) / 1e6:.2f} MB"
    )


def _loaded(path: str) -> Report:
    from codeclone import codec

    try:
        if Path(path).is_char_device():
            raise OSError("not a file")
        with Path(path).open("rb") as file:
            content = file.read(MAX_REPORT_BYTES + 1)
        if len(content) > MAX_REPORT_BYTES:
            raise OSError(f"over the bound of {MAX_REPORT_BYTES:,} bytes")
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        raise errors.SourceError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return codec.from_json(text)


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Turn whatever goes wrong into one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows another
    try:
        yield
    except errors.CodecloneError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    except OSError as error:
        _fail(f"{error.strerror or error}", errors.EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        _fail("interrupted", errors.EXIT_INTERRUPTED)
    except Exception as error:  # a defect of ours: one line with what and where, not a traceback
        if os.environ.get("CODECLONE_DEBUG"):
            raise
        _fail(f"internal error: {type(error).__name__}: {error} (CODECLONE_DEBUG=1 shows where)", errors.EXIT_INTERNAL)


def _targets(outputs: tuple[str, ...], formats: tuple[str, ...]) -> list[tuple[Path, str]]:
    """(file, format) of everything to write."""
    if not outputs:
        return [(Path(f"codeclone-report.{_suffix(kind)}"), kind) for kind in formats or ("html",)]
    if len(formats) > len(outputs):
        raise errors.OutputError("more --format than -o: give each format its file")
    targets = []
    for place, name in enumerate(outputs):
        path = Path(name)
        if place < len(formats):
            kind = formats[place]
        else:
            kind = {".html": "html", ".htm": "html", ".json": "json", ".txt": "text"}.get(path.suffix.lower(), "")
            if not kind:
                raise errors.OutputError(f"{name}: no format for this suffix; use .html, .json or .txt, or --format")
        if not _usable(path):
            raise errors.OutputError(f"{name[:200]}: not a file in an existing folder")
        targets.append((path, kind))
    return targets


def _usable(path: Path) -> bool:
    """Whether a file can be written there, as far as its folder tells."""
    try:
        return not path.is_dir() and path.absolute().parent.is_dir()
    except (OSError, ValueError):
        return False


def _suffix(kind: str) -> str:
    return "txt" if kind == "text" else kind


def _rendered(report: Report, kind: str) -> str:
    if kind == "json":
        from codeclone import codec

        return codec.to_json(report)
    if kind == "text":
        from codeclone.report import text

        return text.summary(report, [], color=False) + "\n"
    from codeclone.report import html

    return html.render(report)


def _write(report: Report, path: Path, kind: str) -> None:
    _replace(path, _rendered(report, kind))


def _replace(path: Path, text: str | bytes) -> None:
    """Write through a new neighbouring file, so that an interrupted run leaves what was there.

    A link is followed; what is no regular file, such as a device or a pipe, is written to directly.
    """
    content = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    target = Path(os.path.realpath(path))
    partial = None
    import tempfile

    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        handle, partial = tempfile.mkstemp(prefix=".codeclone-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(partial, mode)
        os.replace(partial, target)
        partial = None
    except OSError as error:
        raise errors.OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        if partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(partial)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _reaches(level: str, gate: str) -> bool:
    from codeclone.model import LEVELS

    return [*LEVELS].index(level) >= [*LEVELS].index(gate)  # type: ignore[arg-type]


def _color(stream: object) -> bool:
    return "NO_COLOR" not in os.environ and bool(getattr(stream, "isatty", lambda: False)())


def _fail(message: str, code: int) -> NoReturn:
    if sys.stderr is not None:
        click.echo("codeclone: " + plain(" ".join(message.split())), err=True)
    raise SystemExit(code)


class _Progress:
    """One line on stderr that says what is being done: replaced in place on a terminal, a line a step with -v."""

    def __init__(self, quiet: bool, verbose: bool) -> None:
        self.terminal = not quiet and not verbose and sys.stderr is not None and sys.stderr.isatty()
        self.lines = verbose and not quiet and sys.stderr is not None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.terminal:
            click.echo("\r\x1b[K", err=True, nl=False)

    def step(self, what: str) -> None:
        what = plain(what)
        if self.terminal:
            click.echo(f"\r\x1b[K{what} …", err=True, nl=False)
        elif self.lines:
            click.echo(what, err=True)
