"""Every comparison, one after the other, on one page with its pictures.

    python benchmarks/run_all.py [--out benchmarks/out] [--quick] [--only NAME ...]

Each script runs in a process of its own and says more with --help. The page is
``benchmarks.md`` in the folder, with what each script printed.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
# Environments of their own, for what this package's own cannot hold.
PYTHONS = {"peers": HERE.parent / ".venv-peers" / "bin" / "python"}

# Script, its arguments, and those that make it quick.
SCRIPTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "epoch": (
        ["--threads", "1", "2", "--batch-size", "50", "100", "--picture", "epoch.png"],
        ["--songs", "200", "--repeats", "1", "--picture", "epoch.png"],
    ),
    "predicting": ([], ["--songs", "500", "--repeats", "1"]),
    "combining": ([], ["--songs", "200", "--epochs", "1", "--repeats", "1"]),
    "combining_few": (["synthetic"], ["synthetic", "--songs", "100", "--draws", "1"]),
    "music": (
        [
            *(
                "spoken-digits",
                "--repeats",
                "1",
                "--models",
                "all statistics, logistic",
            ),
            *("net, ... batch normalisation", "combined, shrunk"),
            "corrected, share chosen",
        ],
        [
            *("spoken-digits", "--repeats", "1", "--folds", "2"),
            *("--models", "all statistics, logistic"),
        ],
    ),
    "scaling": (["--picture", "scaling.png"], ["--quick", "--picture", "scaling.png"]),
    "costs": ([], ["--songs", "500"]),
    "time_to_accuracy": (["synthetic"], ["synthetic", "--quick"]),
    "reading": ([], ["--songs", "5000", "--repeats", "1"]),
    "searching": (
        [],
        [
            *("--megabytes", "20", "--songs", "300", "--epochs", "1", "--repeats", "1"),
            *("--most-epochs", "3"),
        ],
    ),
    "generalisation": (
        ["spoken-digits", "--songs", "500", "--seeds", "1"],
        ["spoken-digits", "--quick"],
    ),
    "peers": ([], ["--epochs", "1"]),
}


def title(script: Path) -> str:
    """First line of a script's docstring."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].rstrip(".")


def run(script: Path, arguments: Sequence[str], out: Path) -> tuple[bool, str]:
    """Whether a script went well, and what it printed, which is shown as it comes."""
    printed = []
    python = PYTHONS.get(script.stem, Path(sys.executable)).absolute()
    if not python.exists():
        missing = f"Not run: `make {script.stem}` makes the environment for it.\n"
        print(missing)
        return True, missing
    command = [str(python), str(script.resolve()), *arguments]
    with subprocess.Popen(
        command, cwd=out, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return process.returncode == 0, "".join(printed)


def main() -> int:
    """Run the scripts and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--quick", action="store_true", help="to see that all run")
    parser.add_argument("--only", nargs="+", choices=list(SCRIPTS), metavar="NAME")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    page = ["# Benchmarks\n"]
    failed = []
    for name in options.only or SCRIPTS:
        script = HERE / f"{name}.py"
        arguments = SCRIPTS[name][1 if options.quick else 0]
        print(f"\n## {title(script)}\n", flush=True)
        start = time.perf_counter()
        good, printed = run(script, arguments, options.out)
        if not good:
            failed.append(name)
            printed += "\n**It ended in an error.**\n"
        seconds = time.perf_counter() - start
        page.append(f"## {title(script)}\n\n{printed}\nIt took {seconds:.0f} s.\n")
        if "--picture" in arguments:
            picture = arguments[list(arguments).index("--picture") + 1]
            page.append(f"![{title(script)}]({picture})\n")
        # After each, so that a stop loses nothing.
        (options.out / "benchmarks.md").write_text("\n".join(page), encoding="utf-8")
    print(f"\n{options.out / 'benchmarks.md'}")
    if failed:
        print(f"errors in: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
