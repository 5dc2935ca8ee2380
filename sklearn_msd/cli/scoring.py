"""How well a model does on labelled songs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, classification_report, log_loss

from sklearn_msd.cli.commands import cell
from sklearn_msd.datasets.sources.songs import one_form


def scores(model: Any, X: Any, y: np.ndarray) -> dict[str, Any]:
    """Accuracy, log loss and scikit-learn's report, labels taken as text.

    Parameters
    ----------
    model : classifier with `predict_proba`
    X : array-like
    y : ndarray of shape (n_songs,)

    Returns
    -------
    found : dict
        With ``accuracy``, ``log_loss`` (natural logarithm, a song), ``table``, the
        report as text, and ``classes``, the same for each class as a dict. The table
        has the classes that some song or some answer has.

    Raises
    ------
    ValueError
        If the model does not know a label.
    """
    classes = [str(label) for label in model.classes_]
    # A label may have another Unicode form here than where the model was trained.
    by_form = {one_form(label): label for label in classes}
    truth = np.array([by_form.get(one_form(str(label)), str(label)) for label in y])
    unknown = sorted({*truth} - {*classes})
    if unknown:
        raise ValueError(
            f"label {str(unknown[0])!r} is none of the model's: {', '.join(classes)}."
        )
    probabilities = np.asarray(model.predict_proba(X), dtype=float)
    # In float32 the sum of many is not quite 1, at which scikit-learn would warn.
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = np.array(classes)[probabilities.argmax(axis=1)]
    # log_loss and the report sort labels; as text, 10 comes before 9.
    order = np.argsort(classes)
    how: dict[str, Any] = {"labels": classes, "zero_division": 0}
    by_class = classification_report(truth, predicted, output_dict=True, **how)
    # In the table, labels that neither a song nor an answer has would count as zeros.
    shown = [label for label in classes if label in {*truth, *predicted}]
    names = [cell(label) for label in shown]
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "log_loss": float(
            log_loss(truth, probabilities[:, order], labels=np.array(classes)[order])
        ),
        "table": classification_report(
            truth,
            predicted,
            digits=3,
            target_names=names,
            **{**how, "labels": shown},
        ),
        "classes": {
            label: {
                "precision": by_class[label]["precision"],
                "recall": by_class[label]["recall"],
                "f1": by_class[label]["f1-score"],
                "songs": int(by_class[label]["support"]),
            }
            for label in classes
        },
    }
