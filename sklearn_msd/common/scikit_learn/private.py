"""Names of scikit-learn that are private or new, and so may move: all in this place.

No other file imports a private name of scikit-learn or asks for its version.
"""

from __future__ import annotations

from typing import Any

import sklearn
from sklearn.base import _fit_context as fit_context
from sklearn.ensemble._base import (
    _BaseHeterogeneousEnsemble as BaseHeterogeneousEnsemble,
)
from sklearn.ensemble._base import _fit_single_estimator as fit_single_estimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._split import GroupsConsumerMixin
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import (
    _wrap_data_with_container as wrap_data_with_container,
)
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call as check_partial_fit_first_call,
)
from sklearn.utils.validation import _check_feature_names as check_feature_names
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
except ImportError:  # before scikit-learn 1.7
    from sklearn.utils._estimator_html_repr import _VisualBlock as VisualBlock

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """scikit-learn's callbacks where there are none: fits without them."""

        def set_callbacks(self, *callbacks: Any) -> Any:
            """Raise, as this scikit-learn has no callbacks.

            Raises
            ------
            NotImplementedError
                Always. skorch's callbacks go into the parameter `callbacks`.
            """
            raise NotImplementedError(
                "set_callbacks needs scikit-learn 1.9 or later. skorch's callbacks go "
                "into the parameter `callbacks`."
            )

        def _init_callback_context(self, **_: Any) -> NoCallbacks:
            return NoCallbacks()


# How scores become probabilities with fewest parameters; temperatures are new in 1.8.
CALIBRATION = (
    "temperature"
    if parse_version(sklearn.__version__) >= parse_version("1.8")
    else "sigmoid"
)


class NoCallbacks:
    """A context of scikit-learn's callbacks that calls none."""

    def call_on_fit_task_begin(self, **_: Any) -> None:
        """Do nothing."""

    def call_on_fit_task_end(self, **_: Any) -> None:
        """Do nothing."""


__all__ = [
    "CALIBRATION",
    "BaseHeterogeneousEnsemble",
    "BaseSearchCV",
    "CallbackSupportMixin",
    "GroupsConsumerMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "Options",
    "StrOptions",
    "VisualBlock",
    "check_feature_names",
    "check_feature_names_in",
    "check_method_params",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "fit_single_estimator",
    "parse_version",
    "routing_enabled",
    "safe_indexing",
    "validate_params",
    "wrap_data_with_container",
]
