"""Data frames for transformers whose output may have three dimensions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from sklearn_msd.common.scikit_learn.private import wrap_data_with_container

Transformer = TypeVar("Transformer", bound=type)


def frames_of_flat_songs(transformer: Transformer) -> Transformer:
    """Class decorator: ``set_output`` makes data frames of flat songs, of no others.

    A data frame has two dimensions, and scikit-learn makes one of whatever `transform`
    gives: with ``set_config(transform_output="pandas")`` songs in three dimensions
    would be an error, in models fitted long before as well.
    """

    def wrapped(transform: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(transform)
        def flat_as_configured(self: Any, X: Any) -> Any:
            out = transform(self, X)
            if out.ndim != 2:
                return out
            return wrap_data_with_container("transform", out, X, self)

        return flat_as_configured

    def fit_transform(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, then transform the same songs.

        Parameters
        ----------
        X, y, **params
            As for `fit`.

        Returns
        -------
        ndarray or data frame
            As of `transform`.
        """
        return self.fit(X, y, **params).transform(X)

    kind: Any = transformer
    # Without scikit-learn's own wrapping.
    kind.transform = wrapped(kind.transform.__wrapped__)
    kind.fit_transform = fit_transform
    kind._sklearn_auto_wrap_output_keys = {"transform"}
    return transformer
