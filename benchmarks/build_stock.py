"""Rebuilds codeclone/data/stock_code.npz: how many files of well-known packages hold each code fact.

    make stock            # downloads the releases that stock-index.txt lists with pip, by name

Then it runs `codeclone background benchmarks/stock-index.txt`, and writes what was counted, with digests, into
docs/stock.md. Python files are counted in wheels, C, C++ and CUDA files in source archives.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner

from codeclone import background, stock
from codeclone.cli import main as codeclone

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch, fetch_sources

INDEX = Path(__file__).parent / "stock-index.txt"
DOCUMENT = Path(__file__).parent.parent / "docs" / "stock.md"


def table_of(table: background.Background) -> str:
    """The sources as a table of Markdown."""
    rows = [
        f"| {source.name} | {source.release} | {source.files:,} | {source.kernel_files:,} | `{source.digest[:16]}` |"
        for source in table.sources
    ]
    head = "| package | release | Python files | C, C++ and CUDA files | snapshot digest |\n|---|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def main() -> None:
    for line in stock.read_index(str(INDEX)):
        (fetch_sources if line.languages == "kernels" else fetch)(f"{line.name}=={line.release}")
    arguments = ["background", str(INDEX), "-o", str(background.TABLE), "-v"]
    result = CliRunner().invoke(codeclone, arguments, catch_exceptions=False)
    print(result.output)
    if result.exit_code:
        raise SystemExit(result.exit_code)
    text, mark, _ = DOCUMENT.read_text(encoding="utf-8").partition("<!-- written by make stock -->\n")
    last = result.output.strip().splitlines()[-2:]
    DOCUMENT.write_text(
        text + mark + "\n" + table_of(stock.table_named("shipped")) + "\n" + ".\n".join(last) + ".\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
