"""``sklearn-msd build``: a genre data set from Million Song Dataset files."""

import argparse

from sklearn_msd.cli.commands import Commands, add_command, cell, note


def add_parser(commands: Commands) -> None:
    """Add ``build``."""
    add = add_command(
        commands,
        "build",
        _run,
        help="build a genre data set from Million Song Dataset files",
        description="Build a genre data set from Million Song Dataset files. If it is "
        "stopped, run the same\ncommand again: it goes on from there.",
        examples="""\
  sklearn-msd build MillionSong/data msd_tagtraum_cd2c.cls genres --n-jobs -1
  sklearn-msd build songs masd.cls styles --n-per-class 2000 --trust-names
  sklearn-msd build songs masd.cls two --genres Jazz_Classic,Punk --task two""",
    )
    add("h5_root", help="folder of .h5 files, single-song or aggregate")
    add("annotations", help="file of 'track id TAB genre' lines")
    add("out", help="folder to make")
    add("--n-segments", type=int, default=120, help="segments of a song (120)")
    add(
        "--crop",
        choices=["center", "start", "random"],
        default="center",
        help="which segments of a longer song (center)",
    )
    add(
        "--loudness",
        choices=["start", "max"],
        default="start",
        help="which loudness of a segment: at its start, or the loudest (start)",
    )
    add("--n-per-class", type=int, help="songs of each genre (all)")
    add(
        "--split",
        type=_shares,
        default=(0.8, 0.2),
        help="shares of train,valid[,test] (0.8,0.2)",
    )
    add(
        "--group-by",
        choices=["artist", "none"],
        default="artist",
        help="whose songs stay on one side of the split (artist)",
    )
    add("--n-jobs", type=int, help="processes (1); -1 for all cores")
    add(
        "--columns",
        type=_names,
        default=("chroma", "timbre", "loudness"),
        help="order of the features (chroma,timbre,loudness)",
    )
    add("--genres", type=_names, help="genres to take, with commas between (all)")
    add("--task", help="name to load the set by (the number of genres)")
    add(
        "--form",
        choices=["npz", "npy"],
        default="npz",
        help="npz files like the report's, or folders to be memory-mapped (npz)",
    )
    add(
        "--dtype",
        choices=["float32", "float16"],
        default="float32",
        help="how songs are stored; float16 takes half the bytes (float32)",
    )
    add(
        "--trust-names",
        action="store_true",
        help="do not open files named after tracks that have no genre",
    )
    add(
        "--max-skipped",
        type=float,
        default=0.1,
        help="share of unreadable songs above which the build fails (0.1)",
    )
    add(
        "--random-state",
        type=int,
        default=0,
        help="decides which songs are chosen and how they are split (0)",
    )
    add("--quiet", action="store_true", help="show no progress")


def _run(args: argparse.Namespace) -> None:
    from sklearn_msd.datasets import build_msd_genre

    parameters = {key: value for key, value in vars(args).items() if key != "run"}
    verbose = not parameters.pop("quiet")
    if parameters["group_by"] == "none":
        parameters["group_by"] = None
    report = build_msd_genre(**parameters, verbose=verbose)
    for name, count in report.counts.items():
        print(f"{name}\t{count}")
    for split, row in report.songs.items():
        for genre, count in row.items():
            print(f"{split}\t{cell(genre)}\t{count}")
    if report.passed_over:
        kinds = ", ".join(f"{n} {kind}" for kind, n in report.passed_over.items())
        note(f"{args.h5_root}: passed over {kinds}")
    print(f"task {report.task} written to {cell(report.out)}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _shares(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))
