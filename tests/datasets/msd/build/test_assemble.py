import csv

import numpy as np
import pytest

from sklearn_msd.datasets.msd.build.assemble import (
    SongTable,
    check_counts,
    check_table,
    choose,
    collect,
    count_songs,
)
from sklearn_msd.datasets.msd.build.shards import Kept, Skipped


class FakeShard:
    def __init__(self, kept, skipped, **counts):
        self._content = kept, skipped, counts

    def content(self):
        return self._content


def test_collect_joins_in_order_and_leaves_duplicates_out(tmp_path):
    shards = [
        FakeShard(
            [Kept("TRA", "AR1", 0, "a.h5"), Kept("TRB", "", 1, "b.h5")],
            [Skipped("damaged", "", "c\tx.h5", "two\nlines \udcff")],
            found=3,
            read=3,
            labelled=2,
        ),
        FakeShard([], [], found=0, read=0, labelled=0),
        FakeShard(
            [Kept("TRA", "AR1", 0, "d.h5"), Kept("TRC", "AR1", 1, "e.h5")],
            [Skipped("no_label", "TRD", "f.h5", "")],
            found=3,
            read=2,
            labelled=2,
        ),
    ]
    songs, counts = collect(shards, tmp_path / "skipped.tsv")
    assert songs.track_ids.tolist() == [b"TRA", b"TRB", b"TRC"]
    assert songs.artists.tolist() == [b"AR1", b"", b"AR1"]
    assert songs.codes.tolist() == [0, 1, 1]
    assert songs.shards.tolist() == [0, 0, 2]
    assert songs.rows.tolist() == [0, 1, 1]
    assert counts == {
        "found": 6,
        "read": 5,
        "labelled": 4,
        "unreadable": 0,
        "damaged": 1,
        "too_short": 0,
        "no_label": 1,
        "duplicate": 1,
        "kept": 3,
    }
    with open(tmp_path / "skipped.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, dialect="excel-tab"))
    assert rows == [
        ["reason", "track_id", "file", "detail"],
        ["damaged", "", "c\tx.h5", "two\nlines \\udcff"],
        ["no_label", "TRD", "f.h5", ""],
        ["duplicate", "TRA", "d.h5", ""],
    ]


def make_songs(n, n_artists):
    rng = np.random.default_rng(0)
    ids = np.array([f"TR{i}" for i in range(n)], "S32")
    artists = np.array([f"AR{i}" for i in rng.integers(n_artists, size=n)], "S32")
    codes = rng.integers(2, size=n)
    return SongTable(ids, artists, codes, np.zeros(n, int), np.arange(n))


def test_choose_groups_artists_and_leaves_the_unknown_single():
    songs = make_songs(200, 20)
    splits = choose(songs, (0.8, 0.2), "artist", None, 0)
    for artist in np.unique(songs.artists):
        assert len(set(splits[songs.artists == artist])) == 1
    unknown = songs._replace(artists=np.full(200, b""))
    for group_by in ("artist", None):
        splits = choose(unknown, (0.8, 0.2), group_by, None, 0)
        assert np.bincount(splits).tolist() == [160, 40]


def test_choose_balances():
    songs = make_songs(200, 200)
    splits = choose(songs, (0.8, 0.2), None, 50, 0)
    assert (splits == -1).sum() == 100
    table = count_songs(songs, splits, ["a", "b"], 2)
    assert table == {"train": {"a": 40, "b": 40}, "valid": {"a": 10, "b": 10}}


def counts(**change):
    names = "found read labelled unreadable damaged too_short no_label duplicate kept"
    return dict.fromkeys(names.split(), 0) | change


def test_too_much_damage_is_an_error_that_names_the_list(tmp_path):
    listing = tmp_path / "skipped.tsv"
    check_counts(counts(read=100, damaged=5, too_short=5, kept=1), 0.1, listing)
    with pytest.raises(ValueError, match=r"11 of 100 songs read.*skipped\.tsv"):
        check_counts(
            counts(read=100, damaged=5, too_short=5, duplicate=1, kept=1), 0.1, listing
        )
    # Songs without a label are no damage, but all of them without one are an error.
    with pytest.raises(ValueError, match=r"no song is annotated.*no_label 100"):
        check_counts(counts(read=100, no_label=100), 0.1, listing)


def test_tables_that_lack_songs():
    check_table({"train": {"a": 1}, "valid": {"a": 1}}, None)
    with pytest.raises(ValueError, match="no song is left for valid"):
        check_table({"train": {"a": 1}, "valid": {"a": 0}}, None)
    with pytest.warns(UserWarning, match=r"valid has no song of b; fewer than .*: b 2"):
        check_table({"train": {"a": 2, "b": 2}, "valid": {"a": 1, "b": 0}}, 3)
