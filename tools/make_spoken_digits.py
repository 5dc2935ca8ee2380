"""Make the spoken digits that ship with the package.

From the Free Spoken Digit Dataset as segments (an npz with ``X`` (n, 120, 25) float16,
``y`` "digit_0" … "digit_9", ``group`` and ``track_id``) it keeps the first takes of
each digit by each speaker, and it copies the recordings given:

    python tools/make_spoken_digits.py fsdd.npz fsdd_wav sklearn_msd/datasets/data
"""

import argparse
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What the package may weigh.
MAX_SEGMENTS_BYTES = 4_000_000
MAX_RECORDINGS_BYTES = 500_000

TRACK = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<take>\d+)")


def balanced(songs: dict[str, NDArray], n_takes: int) -> dict[str, NDArray]:
    """Arrays of the first ``n_takes`` of each digit by each speaker.

    Raises
    ------
    ValueError
        If an array is not as it should be, or takes are missing.
    """
    X = songs["X"]
    if X.dtype != np.float16 or X.shape[1:] != (120, 25) or not np.isfinite(X).all():
        raise ValueError(f"X is {X.dtype} {X.shape}, not finite float16 (n, 120, 25).")
    parts = [TRACK.fullmatch(track_id) for track_id in songs["track_id"]]
    if not all(parts):
        raise ValueError("track_id is not digit_speaker_take throughout.")
    digit, speaker, take = (
        np.array([part[key] for part in parts if part])
        for key in ("digit", "speaker", "take")
    )
    if (np.char.add("digit_", digit) != songs["y"]).any():
        raise ValueError("y disagrees with track_id.")
    if (speaker != songs["group"]).any():
        raise ValueError("group disagrees with track_id.")
    rows = np.flatnonzero(take.astype(int) < n_takes)
    rows = rows[np.lexsort((take[rows].astype(int), speaker[rows], digit[rows]))]
    expected = 10 * len(np.unique(speaker)) * n_takes
    if len(rows) != expected or len(np.unique(songs["track_id"][rows])) != expected:
        raise ValueError(
            f"{len(rows)} takes found, expected {expected}, all different."
        )
    return {
        "data": X[rows],
        "target": digit[rows].astype(np.int8),
        "groups": speaker[rows],
        "track_id": songs["track_id"][rows],
    }


def write(arrays: dict[str, Any], recordings: list[Path], out: Path) -> None:
    """Write ``spoken_digits.npz`` and ``spoken_digits/*.wav``, within their limits."""
    if not recordings:
        raise ValueError("no recordings (*.wav) found.")
    size = sum(path.stat().st_size for path in recordings)
    if size > MAX_RECORDINGS_BYTES:
        raise ValueError(f"recordings take {size} bytes > {MAX_RECORDINGS_BYTES}.")
    out.mkdir(parents=True, exist_ok=True)
    partial = out / "spoken_digits.npz.partial"
    try:
        with open(partial, "wb") as file:
            np.savez_compressed(file, **arrays)
        if partial.stat().st_size > MAX_SEGMENTS_BYTES:
            raise ValueError(
                f"segments take {partial.stat().st_size} bytes > {MAX_SEGMENTS_BYTES}."
            )
        os.replace(partial, out / "spoken_digits.npz")
    finally:
        partial.unlink(missing_ok=True)
    folder = out / "spoken_digits"
    folder.mkdir(exist_ok=True)
    for path in recordings:
        shutil.copyfile(path, folder / path.name)


def main(argv: list[str] | None = None) -> None:
    """Read the arguments, make the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segments", type=Path, help="npz of the whole data set")
    parser.add_argument("recordings", type=Path, help="folder of .wav files to copy")
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--takes", type=int, default=10, help="of each digit, speaker")
    arguments = parser.parse_args(argv)
    with np.load(arguments.segments) as npz:
        arrays = balanced(dict(npz), arguments.takes)
    write(arrays, sorted(arguments.recordings.glob("*.wav")), arguments.out)


if __name__ == "__main__":
    main()
