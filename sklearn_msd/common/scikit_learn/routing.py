"""What the `fit` of estimators inside an estimator is given beside songs and labels."""

from __future__ import annotations

from typing import Any, NamedTuple

from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from sklearn_msd.common.scikit_learn.private import routing_enabled


class Routed(NamedTuple):
    """Metadata for those inside: for the `fit` of each by its name, and for `split`."""

    fit: dict[str, dict[str, Any]]
    split: dict[str, Any]


def routed_params(
    estimator: Any, names: list[str], sample_weight: Any, params: dict[str, Any]
) -> Routed:
    """What the `fit` of each estimator named is given beside `X` and `y`.

    Without metadata routing, that is `sample_weight`, where there is one.

    Raises
    ------
    TypeError
        If there is more than that without metadata routing.
    UnsetMetadataPassedError
        With it, if an estimator inside has said neither yes nor no to what it takes.
    """
    if sample_weight is not None:
        params = params | {"sample_weight": sample_weight}
    if routing_enabled():
        routed = process_routing(estimator, "fit", **params)
        # Not `in`: without metadata scikit-learn gives what has any name, endlessly.
        split = routed.get("splitter", {"split": {}})["split"]
        return Routed({name: routed[name]["fit"] for name in names}, split)
    unknown = set(params) - {"sample_weight"}
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__}.fit got unexpected arguments "
            f"{sorted(unknown)}; metadata for the estimators inside need "
            "sklearn.set_config(enable_metadata_routing=True)."
        )
    return Routed(dict.fromkeys(names, params), {})


def fit_router(
    estimator: Any, inside: dict[str, Any], *, splitter: Any = None, itself: bool = True
) -> MetadataRouter:
    """Routing of `fit` to the estimators inside, and of groups to a splitter.

    Parameters
    ----------
    estimator : estimator
    inside : dict of str to estimator
    splitter : splitter or anything else that `cv` may be, default=None
    itself : bool, default=True
        Whether `estimator` uses `sample_weight` too, beside handing it on.
    """
    router = MetadataRouter(owner=estimator)
    if itself:
        router.add_self_request(estimator)
    router.add(method_mapping=MethodMapping().add(caller="fit", callee="fit"), **inside)
    if splitter is not None:
        mapping = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=splitter, method_mapping=mapping)
    return router
