"""Data sets built from the Million Song Dataset's own files."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import Bunch
from tqdm import tqdm

from sklearn_msd.common.files.walk import FolderWalk
from sklearn_msd.common.optional import import_optional
from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn_msd.datasets.msd.build.assemble import (
    check_counts,
    check_table,
    choose,
    collect,
    count_songs,
    publish,
)
from sklearn_msd.datasets.msd.build.shards import Settings, Shard, write_shard
from sklearn_msd.datasets.msd.build.walk import Piece, h5_files, iter_groups
from sklearn_msd.datasets.msd.labels import Labels, index_labels
from sklearn_msd.datasets.report_arrays.npz import check_task
from sklearn_msd.segments.columns import COLUMN_ORDER, check_order

_MARK = "sklearn-msd-build.txt"


@validate_params(
    {
        "h5_root": [str, os.PathLike],
        "annotations": [str, os.PathLike, Mapping],
        "out": [str, os.PathLike],
        "n_segments": [Interval(Integral, 1, None, closed="left")],
        "crop": [StrOptions({"center", "start", "random"})],
        "loudness": [StrOptions({"start", "max"})],
        "n_per_class": [Interval(Integral, 1, None, closed="left"), None],
        "split": ["array-like"],
        "group_by": [StrOptions({"artist"}), None],
        "n_jobs": [Integral, None],
        "columns": ["array-like"],
        "genres": ["array-like", None],
        "task": [str, Integral, None],
        "form": [StrOptions({"npz", "npy"})],
        "dtype": [StrOptions({"float32", "float16"})],
        "trust_names": ["boolean"],
        "max_skipped": [Interval(Real, 0, 1, closed="both")],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both")],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def build_msd_genre(
    h5_root: str | os.PathLike[str],
    annotations: str | os.PathLike[str] | Mapping[str, str],
    out: str | os.PathLike[str],
    n_segments: int = 120,
    crop: str = "center",
    loudness: str = "start",
    n_per_class: int | None = None,
    split: Sequence[float] = (0.8, 0.2),
    group_by: str | None = "artist",
    n_jobs: int | None = None,
    *,
    columns: Sequence[str] = COLUMN_ORDER,
    genres: Sequence[str] | None = None,
    task: str | int | None = None,
    form: str = "npz",
    dtype: str = "float32",
    trust_names: bool = False,
    max_skipped: float = 0.1,
    random_state: int = 0,
    verbose: int = 1,
) -> Bunch:
    """Build a genre data set from Million Song Dataset files and annotations.

    Every HDF5 file below a folder is read, single-song and aggregate; songs that are
    annotated and long enough are cropped, divided so that no artist is on both sides,
    balanced, and written as files that :func:`load_msd_genre` reads. Values are
    written as they are; scale them with :class:`~sklearn.preprocessing.StandardScaler`
    or :class:`SegmentScaler` fitted on the training songs.

    The build works in small pieces in a folder beside `out`, ``{out}.building``. It can
    be stopped at any moment, killed even: the same call goes on from there, to the same
    bytes. `out` appears whole, by renaming, and the work folder, which takes as much
    room as the labelled songs (12 kB each at 120 segments in float32) and twice that
    for a moment, is then removed. Files that changed meanwhile are read again.

    Parameters
    ----------
    h5_root : str or path-like
        Folder of the files, as deep as they lie, or one file. Files end in ``.h5`` or
        ``.hdf5``. Hidden files and folders are passed over; links are followed, each
        target once.

    annotations : str, path-like or mapping
        A file that :func:`read_genre_annotations` reads, or a mapping from track id to
        genre.

    out : str or path-like
        Folder to make. It must not exist, or be empty, or hold this same build.

    n_segments : int, default=120
        Segments of a song. Shorter songs are left out.

    crop : {"center", "start", "random"}, default="center"
        Which segments of a longer song; the report's are the central ones.

    loudness : {"start", "max"}, default="start"
        Loudness at the start of a segment, as in the report, or its maximum.

    n_per_class : int, default=None
        Songs of each genre, over all splits, as the report's 5000 of each of 10
        genres; a UserWarning names genres that have fewer. By default all songs.

    split : sequence of 2 or 3 float, default=(0.8, 0.2)
        Shares of train and valid, and of test if there is a third. They sum to 1.

    group_by : {"artist"} or None, default="artist"
        Keep each artist's songs in one split. Songs without an artist are groups of
        their own.

    n_jobs : int, default=None
        Processes, as in joblib; a joblib backend may spread them over machines that
        share a file system.

    columns : sequence of str, default=("chroma", "timbre", "loudness")
        Order of the feature groups, recorded in the output. The report's files hold
        ``("timbre", "chroma", "loudness")``.

    genres : sequence of str, default=None
        Genres to take; tracks of others count as unlabelled. By default all.

    task : str or int, default=None
        Name of the task, to load it by; by default the number of genres.

    form : {"npz", "npy"}, default="npz"
        npz files as the report's, or a folder for each split to be memory-mapped, for
        sets larger than memory.

    dtype : {"float32", "float16"}, default="float32"
        Type of the values written.

    trust_names : bool, default=False
        Where a file's name has the form of a track id, take it for one, and do not
        open the file if it is not annotated: most of the full data set is not.

    max_skipped : float, default=0.1
        Largest share, of the songs read, that may be unreadable, damaged, too short or
        duplicate before the build ends with an error.

    random_state : int, default=0
        Decides random crops, the division and the balancing. An integer, so that a
        build that goes on makes the same choices.

    verbose : int, default=1
        Whether to show progress on standard error.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch`
        What ``build.json`` in `out` holds, and `out`:

        counts : dict
            Songs `found`, `read` (opened), `labelled` (of those not damaged), left out
            by reason (`unreadable`, `damaged`, `too_short`, `no_label`, `duplicate`),
            `kept`, and `written` after balancing.
        passed_over : dict
            Hidden and other files and folders that the walk over the folder passed
            over, and links to what it read already, by kind.
        songs : dict
            Songs written, for each split and genre.
        parameters : dict
            How the set was built.
        out : str
            The folder. ``skipped.tsv`` there lists every song left out: reason, track
            id, file, detail.

    Raises
    ------
    ValueError
        If too many songs were skipped, none or none of a split is left, or a parameter
        is wrong.
    FileExistsError
        If `out` holds something else.
    ImportError
        If h5py is missing: ``pip install sklearn-msd[hdf5]``.

    Examples
    --------
    >>> from sklearn_msd.datasets import build_msd_genre, load_msd_genre
    >>> report = build_msd_genre(
    ...     "MillionSong/data", "msd_tagtraum_cd2c.cls", "genres", n_per_class=5000,
    ...     n_jobs=-1)  # doctest: +SKIP
    >>> X, y = load_msd_genre(report.task, "train", "genres")  # doctest: +SKIP
    """
    import_optional("h5py", "hdf5")  # missing, every file would look damaged
    root, target = Path(h5_root).absolute(), Path(out).absolute()
    work = target.with_name(f"{target.name}.building")
    names, labels, labels_digest = index_labels(annotations, genres)
    fractions = _check_split(split)
    settings = Settings(
        n_segments=int(n_segments),
        crop=crop,
        loudness=loudness,
        columns=check_order(columns),
        dtype=dtype,
        seed=int(random_state),
        trust_names=bool(trust_names),
    )
    parameters = asdict(settings) | {
        "h5_root": os.fspath(h5_root),
        "labels_sha256": labels_digest,
        "n_per_class": None if n_per_class is None else int(n_per_class),
        "split": fractions,
        "group_by": group_by,
        "form": form,
        "task": None if task is None else check_task(task),
    }
    parameters = json.loads(json.dumps(parameters))  # as they are read back
    report = _finished(target, parameters)
    if report is None:
        files = h5_files(root)
        if next(iter(files), None) is None:
            raise ValueError(f"h5_root={os.fspath(h5_root)!r} holds no .h5 file.")
        _make_work_folder(work)
        keys = Parallel(n_jobs=n_jobs, batch_size=1)(
            delayed(_write_shard)(root, work, group, settings, labels_digest, *labels)
            for group in _with_progress(root, files, verbose)
        )
        shards = [Shard(work, key) for key in keys]
        songs, counts = collect(shards, work / "skipped.tsv")
        check_counts(counts, max_skipped, work / "skipped.tsv")
        present, codes = np.unique(songs.codes, return_inverse=True)
        songs, label_map = songs._replace(codes=codes), [names[i] for i in present]
        splits = choose(songs, fractions, group_by, n_per_class, settings.seed)
        table = count_songs(songs, splits, label_map, len(fractions))
        check_table(table, n_per_class)
        counts["written"] = int(np.sum(splits >= 0))
        report = {
            "task": parameters["task"] or str(len(label_map)),
            "counts": counts,
            "passed_over": files.counts if isinstance(files, FolderWalk) else {},
            "songs": table,
            "parameters": parameters,
        }
        publish(work, target, shards, songs, splits, label_map, settings, form, report)
    _remove_work_folder(work)
    report.setdefault("passed_over", {})  # of builds by earlier versions
    return Bunch(**report, out=os.fspath(out))


def _write_shard(
    root: Path,
    work: Path,
    pieces: Sequence[Piece],
    settings: Settings,
    salt: str,
    *labels: np.ndarray,
) -> str:
    # Arrays that are arguments of their own are sent to a worker once, not with each
    # piece of work.
    return write_shard(root, work, pieces, Labels(*labels), settings, salt)


def _check_split(split: Sequence[float]) -> list[float]:
    fractions = [float(share) for share in split]
    if (
        len(fractions) not in (2, 3)
        or not all(0 < share < 1 for share in fractions)
        or abs(sum(fractions) - 1) > 1e-9
    ):
        raise ValueError(
            "split must hold the shares of train and valid, and of test if wanted, "
            f"which sum to 1; got {split!r}."
        )
    return fractions


def _make_work_folder(work: Path) -> None:
    """Make the work folder, marked as ours: only such a one is ever removed."""
    if work.exists() and any(work.iterdir()) and not (work / _MARK).exists():
        raise FileExistsError(
            f"{work} is needed as work folder, but holds something else; remove it."
        )
    work.mkdir(parents=True, exist_ok=True)
    (work / _MARK).write_text(
        "A data set is being built here. The same build, called again, goes on from "
        "this folder and removes it; it may be deleted at any time.\n"
    )


def _remove_work_folder(work: Path) -> None:
    """Remove the work folder, its mark last: this may be killed, too."""
    mark = work / _MARK
    if mark.exists():
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != mark:
                path.unlink(missing_ok=True)
        mark.unlink()
    if work.is_dir() and not any(work.iterdir()):
        work.rmdir()


def _finished(target: Path, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Return the report of the build that `target` holds; None if it is empty."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    path = target / "build.json"
    if path.is_file():
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if report.get("parameters") == parameters:
            return report
    raise FileExistsError(
        f"out={os.fspath(target)!r} exists and holds something else than this build; "
        "give another folder, or remove it."
    )


def _with_progress(
    root: Path, files: FolderWalk | list[Path], verbose: int
) -> Iterator[list[Piece]]:
    """Group the files for the processes, showing how many went to them."""
    total = sum(1 for _ in files) if verbose else None
    with tqdm(
        total=total, desc="reading", unit=" files", mininterval=1, disable=not verbose
    ) as bar:
        for group in iter_groups(root, files):
            yield group
            bar.update(sum(piece.first == 0 for piece in group))
