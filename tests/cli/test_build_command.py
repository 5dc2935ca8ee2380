import sys

import pytest
from msd_files import make_song, write_msd_file

from sklearn_msd.cli import main
from sklearn_msd.datasets import load_msd_genre


@pytest.fixture
def source(tmp_path):
    """Thirty made-up songs and the file that annotates them."""
    pytest.importorskip("h5py")
    lines = []
    for i in range(30):
        track = f"TRAAAAA{i:011X}"
        write_msd_file(tmp_path / f"h5/{track}.h5", make_song(track, f"AR{i}", 12))
        lines.append(f"{track}\t{('Jazz', 'Rock')[i % 2]}\n")
    (tmp_path / "genres.cls").write_text("".join(lines))
    return [str(tmp_path / name) for name in ("h5", "genres.cls", "out")]


def test_build_does_what_the_function_does(source, capsys):
    flags = ["--n-segments=10", "--split=0.8,0.1,0.1", "--task=mine", "--form=npy"]
    assert main(["build", *source, *flags, "--columns=timbre,chroma,loudness"]) == 0
    told = capsys.readouterr()
    assert "written\t30\n" in told.out
    assert "train\tJazz\t12\n" in told.out
    assert f"task mine written to {source[2]}" in told.out
    assert "30/30" in told.err
    test = load_msd_genre("mine", "test", source[2])
    assert test.segments.shape[1:] == (10, 25)
    assert test.feature_names[0] == "segment_0_timbre_0"


def test_quiet_is_quiet_and_warnings_are_one_line(source, capsys):
    flags = ["--n-segments=10", "--quiet", "--n-per-class=20", "--group-by=none"]
    assert main(["build", *source, *flags]) == 0
    err = capsys.readouterr().err
    assert err == (
        "sklearn-msd: warning: fewer than n_per_class=20: Jazz 15, Rock 15.\n"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: "nowhere"}, "nowhere"),
        ({1: "nowhere.cls"}, "nowhere.cls"),
        ({3: "--split=0.5,0.6"}, "split must hold"),
        ({3: "--genres=Polka"}, "Polka"),
        ({3: "--n-segments=99"}, "30 of 30 songs read were skipped"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(source, capsys, change, message):
    given = dict(enumerate(source)) | change
    assert main(["build", "--quiet", *given.values()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("sklearn-msd: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_missing_extra_and_a_stop_by_the_user(source, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "h5py", None)
        assert main(["build", *source]) == 2
    assert "sklearn-msd[hdf5]" in capsys.readouterr().err

    def stop(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_msd.datasets.build_msd_genre", stop)
    assert main(["build", *source]) == 130
    assert capsys.readouterr().err == "sklearn-msd: stopped\n"
