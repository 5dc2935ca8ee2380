"""Spoken digits: real audio as segments, small, at hand without a network."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_msd.common.scikit_learn.private import validate_params
from sklearn_msd.segments.columns import feature_names, flat_feature_names

DATA = Path(__file__).with_name("data")

DESCR = """\
Spoken digits: a balanced part of the Free Spoken Digit Dataset
---------------------------------------------------------------

600 recordings of the English words "zero" to "nine", ten takes of each by each of six
speakers, as sequences of 120 segments with 25 features: 12 chroma (the strongest 1), 12
timbre (mel-frequency cepstral coefficients), and loudness in dB.

This is speech, not music. A recording lasts about half a second, so a segment is a few
milliseconds of it and not a musical event, and chroma means little. What it shares
with songs is a real order in time of real audio features, in the same shape.

Speakers differ more than takes do: split by ``groups`` to know how a model does on
voices that it was not trained on. Takes 0 to 4 are test data in the source's own split.

Sixty of the recordings, one of each digit by each speaker, lie beside the segments as
WAV files, 8 kHz, mono; ``recordings`` names them.

Source: Zohar Jackson, César Souza, Jason Flaks, Yuxin Pan, Hereman Nicolas, Adhish
Thite, Free Spoken Digit Dataset, version 1.0.8, doi:10.5281/zenodo.1342401. Licence:
Creative Commons Attribution-ShareAlike 4.0 International, as the file
LICENSE-spoken-digits.txt beside the data says.
"""


@validate_params({"return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_spoken_digits(
    *, return_X_y: bool = False
) -> Bunch | tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Load spoken digits: speech, not music, in the shape of songs.

    It is to this package what `load_digits` is to scikit-learn: real, small, and at
    hand offline. 600 recordings, 10 digits by 6 speakers, 120 segments of 25 features.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` only.

    Returns
    -------
    data : Bunch
        With the fields

        data : ndarray of shape (600, 3000), float32
            Recordings, flat; stored as float16.
        target : ndarray of shape (600,)
            Digits, 0 to 9.
        target_names : ndarray of shape (10,)
            Their names, ``"zero"`` to ``"nine"``.
        feature_names : list of str, 3000 long
            ``segment_0_chroma_0``, …
        groups : ndarray of shape (600,)
            Names of the speakers.
        track_id : ndarray of shape (600,)
            ``digit_speaker_take``.
        recordings : Bunch
            60 WAV files: ``filenames`` (paths), ``target`` and ``groups``.
        DESCR : str
            Description, source and licence.

    Notes
    -----
    From the Free Spoken Digit Dataset [1]_, under the Creative Commons
    Attribution-ShareAlike 4.0 International licence.

    References
    ----------
    .. [1] Z. Jackson, C. Souza, J. Flaks, Y. Pan, H. Nicolas, A. Thite, Free Spoken
       Digit Dataset, version 1.0.8, 2018, doi:10.5281/zenodo.1342401.

    Examples
    --------
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_msd.datasets import load_spoken_digits
    >>> digits = load_spoken_digits()
    >>> digits.data.shape
    (600, 3000)
    >>> scores = cross_val_score(  # on voices that are not in training
    ...     KNeighborsClassifier(), digits.data, digits.target,
    ...     groups=digits.groups, cv=GroupKFold(6),
    ... )
    >>> bool(scores.mean() > 0.2)
    True
    """
    with np.load(DATA / "spoken_digits.npz", allow_pickle=False) as npz:
        arrays = dict(npz)
    data = arrays["data"].reshape(len(arrays["data"]), -1).astype(np.float32)
    target = arrays["target"].astype(np.int64)
    if return_X_y:
        return data, target
    names = "zero one two three four five six seven eight nine"
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(names.split()),
        feature_names=flat_feature_names(120, feature_names()),
        groups=arrays["groups"],
        track_id=arrays["track_id"],
        recordings=_recordings(),
        DESCR=DESCR,
    )


def _recordings() -> Bunch:
    """Paths of the WAV files, with what their names say of them."""
    paths = sorted((DATA / "spoken_digits").glob("*.wav"))
    parts = [path.stem.split("_") for path in paths]
    return Bunch(
        filenames=[str(path) for path in paths],
        target=np.array([int(digit) for digit, _, _ in parts]),
        groups=np.array([speaker for _, speaker, _ in parts]),
    )
