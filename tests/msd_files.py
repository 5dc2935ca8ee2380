"""Million Song Dataset files made up for tests, written with h5py alone."""

import numpy as np


def make_song(track_id, artist_id="AR1", n_segments=130, seed=0, **more):
    """One song as a dict of what its file holds."""
    rng = np.random.default_rng(seed)
    return {
        "track_id": track_id,
        "artist_id": artist_id,
        "segments_pitches": rng.random((n_segments, 12)),
        "segments_timbre": rng.normal(0, 50, (n_segments, 12)),
        "segments_loudness_start": rng.normal(-20, 5, n_segments),
        "segments_loudness_max": rng.normal(-10, 5, n_segments),
        "segments_start": np.cumsum(rng.random(n_segments)),
        **more,
    }


ARRAYS = (
    "segments_pitches",
    "segments_timbre",
    "segments_loudness_start",
    "segments_loudness_max",
    "segments_start",
)


def write_msd_file(path, *songs):
    """Write the songs as one file: single-song for one, aggregate for more."""
    import h5py

    idx = [f"idx_{name}" for name in ARRAYS]
    table = np.zeros(
        len(songs),
        [*((name, "i4") for name in idx), ("duration", "f8"), ("track_id", "S32")],
    )
    texts = [("artist_id", "S32"), ("artist_name", "S1024"), ("song_id", "S32")]
    metadata = np.zeros(len(songs), [*texts, ("title", "S1024")])
    at = dict.fromkeys(ARRAYS, 0)
    for row, song in enumerate(songs):
        table["track_id"][row] = song["track_id"].encode()
        table["duration"][row] = 100.0 + row
        metadata["artist_id"][row] = song["artist_id"].encode()
        metadata["artist_name"][row] = f"Ärtist {row}".encode()
        metadata["title"][row] = f"Title {row}".encode()
        metadata["song_id"][row] = b"SO%d" % row
        for name in ARRAYS:
            table[f"idx_{name}"][row] = at[name]
            at[name] += len(song[name])
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["analysis/songs"] = table
        file["metadata/songs"] = metadata
        for name in ARRAYS:
            whole = np.concatenate([song[name] for song in songs])
            file.create_dataset(f"analysis/{name}", data=whole, compression="gzip")
    return path


def change(path, name, make):
    """Replace one object of a file by what `make` makes of it; None: by nothing."""
    import h5py

    with h5py.File(path, "r+") as file:
        old = file[name][()] if isinstance(file[name], h5py.Dataset) else None
        del file[name]
        new = make(old)
        if isinstance(new, str):
            file.create_group(name)
        elif new is not None:
            file[name] = new


TABLE = [("track_id", "S32")]
#: What makes a single-song file of 130 segments unreadable: an object and its fate.
DAMAGE = {
    "no analysis": ("analysis", lambda _: None),
    "no metadata": ("metadata", lambda _: None),
    "no songs": ("analysis/songs", lambda _: None),
    "no pitches": ("analysis/segments_pitches", lambda _: None),
    "a group for an array": ("analysis/segments_pitches", lambda _: "group"),
    "songs is no table": ("analysis/songs", lambda _: np.arange(3.0)),
    "songs is a scalar": ("analysis/songs", lambda old: old[0]),
    "no track id": ("analysis/songs", lambda _: np.zeros(1, [("x", "S32")])),
    "numeric track id": ("analysis/songs", lambda _: np.zeros(1, [("track_id", "f8")])),
    "no idx columns": ("analysis/songs", lambda _: np.zeros(2, TABLE)),
    "two rows of metadata": ("metadata/songs", lambda old: np.repeat(old, 2)),
    "pitches of text": ("analysis/segments_pitches", lambda old: old.astype("S8")),
    "pitches of 11": ("analysis/segments_pitches", lambda old: old[:, :11]),
    "pitches flat": ("analysis/segments_pitches", lambda old: old.ravel()),
    "fewer timbres": ("analysis/segments_timbre", lambda old: old[:-1]),
    "more loudnesses": ("analysis/segments_loudness_start", lambda old: np.r_[old, 0]),
    "NaN": ("analysis/segments_timbre", lambda old: old * np.nan),
    "complex": ("analysis/segments_timbre", lambda old: old * 1j),
}
