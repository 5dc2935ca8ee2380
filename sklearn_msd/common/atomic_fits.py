"""Fits that leave a fitted estimator, or one that is not fitted at all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

Fit = TypeVar("Fit", bound=Callable[..., Any])


def atomic_fit(fit: Fit) -> Fit:
    """Make `fit`, where anything ends it early, leave an estimator that is not fitted.

    An estimator with fitted parts that an error or Ctrl-C left without the others, or
    beside those of an earlier fit, would predict what no fit made. An earlier fit is
    not kept: what it predicts is not what was asked for last. It stands before the
    check of parameters, which is part of a fit.
    """

    @functools.wraps(fit)
    def fit_or_forget(self: Any, *args: Any, **kwargs: Any) -> Any:
        forget_fit(self)
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            forget_fit(self)
            raise

    return cast(Fit, fit_or_forget)


def atomic_training(fit: Fit) -> Fit:
    """As :func:`atomic_fit`, for a net, which Ctrl-C may leave with what it had.

    A fit with ``warm_start=True`` finds what there was before.
    """

    @functools.wraps(fit)
    def fit_or_forget(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.warm_start:
            forget_fit(self)
        try:
            return fit(self, *args, **kwargs)
        except BaseException as error:
            if not (isinstance(error, KeyboardInterrupt) and _is_fitted(self)):
                forget_fit(self)
            raise

    return cast(Fit, fit_or_forget)


def forget_fit(estimator: Any) -> None:
    """Drop the fitted attributes, by scikit-learn's name for them."""
    for name in list(vars(estimator)):
        if name.endswith("_") and not name.startswith("_"):
            delattr(estimator, name)


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
