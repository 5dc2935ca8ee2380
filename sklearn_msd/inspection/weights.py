"""Pictures of what nets have learned; matplotlib is imported when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.common.wrappers import look_through
from sklearn_msd.inspection.drawing import (
    add_legend,
    as_written,
    by_name,
    line_style,
    listed,
    new_axes,
    numbers,
)
from sklearn_msd.nets.base import layer_weights


class WeightHistogramDisplay:
    """Histograms of nets' weights, one panel a layer (Figure 4).

    They show what L1 and L2 penalties do: many weights at zero, or many small ones.

    Parameters
    ----------
    weights : mapping of str to (mapping of str to ndarray)
        For each net its layers' weights, of any shape, by name of the layer. All nets
        must have the same layers.

    Attributes
    ----------
    figure_, axes_
        The matplotlib figure and its axes, after `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import WeightHistogramDisplay
    >>> display = WeightHistogramDisplay({"net": {"conv1": np.linspace(-1, 1, 50)}})
    >>> len(display.plot().axes_)
    1
    """

    def __init__(self, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        self.weights: dict[str, dict[str, np.ndarray]] = {}
        for name, by_layer in by_name(weights, "weights").items():
            where = f"weights[{name!r}]"
            self.weights[name] = {
                layer: numbers(values, f"{where}[{layer!r}]", finite=True).ravel()
                for layer, values in by_name(by_layer, where).items()
            }
        layers = {name: list(by_layer) for name, by_layer in self.weights.items()}
        if any(names != next(iter(layers.values())) for names in layers.values()):
            raise ValueError(
                f"weights must be of nets all with the same layers; got {layers}."
            )

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, layers: Sequence[str] = ("conv",), axes: Any = None
    ) -> Self:
        """Draw the weights of one fitted net; see :meth:`from_estimators`."""
        name = type(estimator).__name__
        return cls.from_estimators({name: estimator}, layers=layers, axes=axes)

    @classmethod
    def from_estimators(
        cls, estimators: Any, *, layers: Sequence[str] = ("conv",), axes: Any = None
    ) -> Self:
        """Draw the weights of fitted nets.

        Parameters
        ----------
        estimators : mapping of str to net classifier, or list of (name, net classifier)
            Pipelines and fitted searches of nets, too.
        layers : sequence of {"conv", "recurrent", "hidden", "output"}
        axes : array of matplotlib axes, default=None
            One for each weight of the layers; a new figure if None.

        Returns
        -------
        WeightHistogramDisplay
        """
        weights = {}
        for name, estimator in by_name(estimators, "estimators").items():
            net = _fitted_net(estimator, f"estimators[{name!r}]")
            weights[name] = {
                layer: weight.detach().cpu().numpy()
                for layer, weight in layer_weights(net.module_, layers).items()
            }
        return cls(weights).plot(axes)

    def plot(self, axes: Any = None, *, bins: int | None = None) -> Self:
        """Draw into matplotlib axes, new ones if None.

        Parameters
        ----------
        axes : array of matplotlib axes, default=None
            One for each layer.
        bins : int, default=None
            In each panel, made odd; None is as many as the root of the number of
            weights, from 11 to 81.

        Returns
        -------
        self : object
        """
        layers = list(next(iter(self.weights.values())))
        if axes is None:
            axes = new_axes(len(layers), (4.5 * len(layers), 4))
        self.axes_ = np.atleast_1d(axes)
        self.figure_ = self.axes_[0].figure
        handles: list[Any] = []
        for axis, layer in zip(self.axes_, layers, strict=True):
            values = [by_layer[layer] for by_layer in self.weights.values()]
            n_bins = bins
            if n_bins is None:
                n_bins = int(np.clip(np.sqrt(min(map(len, values))), 11, 81))
            # An odd number of bins puts one around 0, where the question is.
            reach = max(float(np.abs(np.concatenate(values)).max()), 1e-12)
            edges = np.linspace(-reach, reach, (n_bins | 1) + 1)
            handles = []
            for i, (name, by_layer) in enumerate(self.weights.items()):
                counts, _ = np.histogram(by_layer[layer], edges)
                style = line_style(i)
                del style["marker"]
                handles.append(
                    axis.stairs(
                        counts / len(by_layer[layer]),
                        edges,
                        label=as_written(name),
                        linewidth=1.5,
                        **style,
                    )
                )
            axis.set(xlabel="weight", ylabel="share of weights", title=_title(layer))
            axis.set_yscale("log")
        add_legend(self.axes_, handles)
        return self


class KernelDisplay:
    """The kernels of the first convolution: what each listens for.

    Every kernel is a block of its segments, side by side, over the features of a
    segment: a blue field raises the kernel's activation, a red one lowers it, and a
    white one does nothing.

    Parameters
    ----------
    kernels : ndarray of shape (n_kernels, kernel_height, n_segment_features)
    feature_names : sequence of str, default=None
        Of the features of a segment.
    labels : sequence of str, default=None
        Of the kernels.

    Attributes
    ----------
    figure_, ax_
        The matplotlib figure and its axes, after `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import KernelDisplay
    >>> display = KernelDisplay(np.ones((4, 3, 25)))
    >>> display.plot().ax_.get_xlabel()
    'kernel (each 3 segments wide)'
    """

    def __init__(
        self,
        kernels: np.ndarray,
        feature_names: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.kernels = numbers(kernels, "kernels", finite=True)
        if self.kernels.ndim != 3:
            raise ValueError(
                "kernels must have the shape (n_kernels, kernel_height, "
                f"n_segment_features); got {self.kernels.shape}."
            )
        n_kernels, _, n_features = self.kernels.shape
        if feature_names is None:
            feature_names = [f"feature {i}" for i in range(n_features)]
        if labels is None:
            labels = [str(i) for i in range(n_kernels)]
        for argument, values, n in (
            ("feature_names", feature_names, n_features),
            ("labels", labels, n_kernels),
        ):
            if len(listed(values, argument)) != n:
                raise ValueError(f"{argument} must have {n} names; got {len(values)}.")
        self.feature_names, self.labels = list(feature_names), list(labels)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_strongest: int = 10,
        feature_names: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the strongest kernels of a fitted convolutional net.

        Parameters
        ----------
        estimator : SegmentConvClassifier, TimeConvClassifier or SparseRefitClassifier
            Or a pipeline or fitted search of one.
        n_strongest : int, default=10
            How many kernels, those with the largest sum of squares first.
        feature_names : sequence of str, default=None
            Of the features of a segment.
        ax : matplotlib axes, default=None

        Returns
        -------
        KernelDisplay

        Raises
        ------
        TypeError
            If it is no net, or has no convolution.
        """
        net = _fitted_net(estimator, "estimator")
        convolutions = layer_weights(net.module_, ("conv",))
        if not convolutions:
            raise TypeError(f"{type(net).__name__} has no convolution.")
        kernels = next(iter(convolutions.values())).detach().cpu().numpy()
        return cls.of_strongest(kernels, n_strongest, feature_names).plot(ax)

    @classmethod
    def of_strongest(
        cls,
        kernels: np.ndarray,
        n_strongest: int = 10,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """A display, not yet drawn, of the kernels with the largest sums of squares.

        Parameters
        ----------
        kernels : ndarray of shape (n_kernels, kernel_height, n_segment_features)
        n_strongest : int, default=10
        feature_names : sequence of str, default=None

        Returns
        -------
        KernelDisplay
        """
        order = np.argsort(-np.square(kernels).sum(axis=(1, 2)), kind="stable")
        order = order[:n_strongest]
        return cls(kernels[order], feature_names, [str(i) for i in order])

    def plot(self, ax: Any = None) -> Self:
        """Draw into matplotlib axes, new ones if None."""
        n_kernels, height, n_features = self.kernels.shape
        if ax is None:
            ax = new_axes(1, (2.5 + 0.28 * n_kernels * (height + 1), 6))
        self.ax_, self.figure_ = ax, ax.figure
        gap = np.full((n_kernels, 1, n_features), np.nan)
        blocks = np.concatenate([self.kernels, gap], axis=1)
        image = blocks.reshape(-1, n_features)[:-1].T
        reach = float(np.nanmax(np.abs(image)))
        drawn = ax.imshow(
            image,
            cmap="RdBu",
            vmin=-reach,
            vmax=reach,
            aspect="auto",
            interpolation="nearest",
        )
        self.figure_.colorbar(drawn, ax=ax, label="weight")
        features = [*map(as_written, self.feature_names)]
        ax.set_yticks(np.arange(n_features), features, fontsize=8)
        middles = np.arange(n_kernels) * (height + 1) + (height - 1) / 2
        ax.set_xticks(middles, [*map(as_written, self.labels)])
        segments = "segment" if height == 1 else "segments"
        ax.set(xlabel=f"kernel (each {height} {segments} wide)")
        return self


def _fitted_net(estimator: Any, name: str) -> Any:
    """A net classifier, or the one inside: of a pipeline, a search, a sparse refit."""
    check_is_fitted(estimator)
    inner, _ = look_through(estimator)
    net = getattr(inner, "estimator_", inner)
    if not hasattr(net, "module_"):
        raise TypeError(
            f"{name} must be a net classifier; got {type(estimator).__name__}."
        )
    return net


def _title(layer: Any) -> str:
    """A layer as `n_parameters_` calls it: ``conv.0.weight`` is ``conv1``."""
    name, *rest = str(layer).removesuffix(".weight").split(".")
    if len(rest) == 1 and rest[0].isdigit():
        return f"{name}{int(rest[0]) + 1}"
    return ".".join([name, *rest])
