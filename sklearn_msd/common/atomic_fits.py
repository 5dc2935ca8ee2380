"""Fits that leave a fitted estimator, or one that is not fitted at all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

Fit = TypeVar("Fit", bound=Callable[..., Any])


def atomic_fit(fit: Fit) -> Fit:
    """Make `fit`, where anything ends it early, leave an estimator that is not fitted.

    An estimator with fitted parts that an error or Ctrl-C left without the others, or
    beside those of an earlier fit, would predict what no fit made.
    """

    @functools.wraps(fit)
    def fit_or_forget(self: Any, *args: Any, **kwargs: Any) -> Any:
        _forget_fit(self)
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            _forget_fit(self)
            raise

    return cast(Fit, fit_or_forget)


def _forget_fit(estimator: Any) -> None:
    """Drop the fitted attributes, by scikit-learn's name for them."""
    for name in list(vars(estimator)):
        if name.endswith("_") and not name.startswith("_"):
            delattr(estimator, name)
