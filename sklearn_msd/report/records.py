"""What is kept of each trained model: its results, and where need be itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_msd.common.files.atomic import atomic_file
from sklearn_msd.datasets.report_arrays.archive import NpzArchive, write_npz
from sklearn_msd.saving.save_load import load, save


@dataclass(frozen=True)
class Record:
    """A trained model's results.

    Parameters
    ----------
    info : dict
        What fits into JSON: definition, parameters, seconds, versions.
    losses, predictions : mapping of str to ndarray
        For each output of the model: mean validation cross-entropy, (n_epochs,), and
        predicted class of each validation song, (n_epochs, n_songs). A model that is
        not trained in epochs has one.
    tested : mapping of str to ndarray
        For each output, predicted class of each test song at the epoch of the best
        validation accuracy, (n_test,); empty without test songs.
    model : estimator or None
        The trained model, where others build on it or its weights are shown.
    """

    info: dict[str, Any]
    losses: Mapping[str, np.ndarray]
    predictions: Mapping[str, np.ndarray]
    tested: Mapping[str, np.ndarray] = field(default_factory=dict)
    model: Any = None

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Weights and biases of the model by name, where it is kept and a net."""
        return {
            name: parameter.detach().cpu().numpy()
            for name, parameter in self.model.module_.named_parameters()
        }


_KINDS = ("losses", "predictions", "tested")


class RecordStore:
    """A folder of records, filed under keys.

    Of each record there are a JSON and an npz file, and of some a model file. The JSON
    file comes last: a record is there when it is. Nothing is pickled.

    Parameters
    ----------
    folder : path-like
        Made when the first record is saved.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def save(self, key: str, record: Record) -> None:
        """File a record.

        Raises
        ------
        OSError
            If it cannot be written whole; nothing is left of it then.
        """
        arrays = {
            f"{kind}/{name}": np.asarray(array)
            for kind in _KINDS
            for name, array in getattr(record, kind).items()
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.folder / f"{key}.npz") as file:
            write_npz(file, arrays)
        if record.model is not None:
            save(record.model, self.folder / f"{key}.msd", optimizer=False)
        with atomic_file(self.folder / f"{key}.json") as file:
            info = {**record.info, "keeps_model": record.model is not None}
            file.write(json.dumps(info, indent=1).encode())

    def load(self, key: str) -> Record | None:
        """The record, or None where there is none that can be read."""
        try:
            info = json.loads((self.folder / f"{key}.json").read_bytes())
            with NpzArchive(self.folder / f"{key}.npz") as archive:
                arrays = {name: archive.read(name) for name in archive.names}
            keeps_model = info.get("keeps_model", False)
            model = load(self.folder / f"{key}.msd") if keeps_model else None
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        kinds: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in _KINDS}
        for name, array in arrays.items():
            kind, _, output = name.partition("/")
            kinds[kind][output] = array
        return Record(info, **kinds, model=model)
