"""The net classifiers: a few parameters each, over shared machinery."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.docstrings import FITTED_ATTRIBUTES, NET_PARAMETERS
from sklearn_msd.common.docstrings import fill_docstring
from sklearn_msd.common.scikit_learn.private import Interval, StrOptions
from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.pooling import POOLINGS
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.training.parameters import SEQUENCE

_documented = fill_docstring(
    net_parameters=NET_PARAMETERS, fitted_attributes=FITTED_ATTRIBUTES
)
_positive = Interval(Integral, 1, None, closed="left")


@_documented
@dataclass(kw_only=True, eq=False, repr=False)
class FullyConnectedClassifier(BaseSegmentClassifier):
    """Multilayer perceptron on all segments of a song (section 5.1 of the report).

    Like scikit-learn's `MLPClassifier`, it gives every input of a song weights of its
    own: it does not know that segments are alike or that they follow each other.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(200, 200)
        Units of each hidden layer.
    <net_parameters>

    Attributes
    ----------
    <fitted_attributes>

    See Also
    --------
    SegmentConvClassifier : Same weights for every segment.
    CorrectingClassifier : Adds this net's logits to another classifier's.

    Examples
    --------
    >>> from sklearn_msd import FullyConnectedClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_classes=3, random_state=0)
    >>> net = FullyConnectedClassifier(max_epochs=5, random_state=0).fit(X, y)
    >>> net.n_parameters_["hidden1"]
    600200
    >>> net.predict_proba(X).shape
    (200, 3)
    """

    hidden_layer_sizes: Sequence[int] = (200, 200)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSegmentClassifier._parameter_constraints,
        "hidden_layer_sizes": SEQUENCE,
    }

    def _make_module(self, n_inputs: int, n_classes: int) -> SegmentNet:
        return FullyConnectedNet(n_inputs, n_classes, _sizes(self.hidden_layer_sizes))


@_documented
@dataclass(kw_only=True, eq=False, repr=False)
class SegmentConvClassifier(BaseSegmentClassifier):
    """Convolution with kernels of one segment: the report's baseline (section 3).

    The same kernels are applied to each segment, as in a 1-D convolution of kernel
    size 1; a fully connected layer then sees the whole song (Figure 1). The order of
    the segments does not matter to it: permuting them in all songs alike gives the same
    learning problem.

    Parameters
    ----------
    n_kernels : int, default=50
        Kernels in each convolutional layer.
    n_conv_layers : int, default=2
        Stacked convolutional layers.
    hidden_layer_sizes : sequence of int, default=(200,)
        Units of each fully connected layer.
    <net_parameters>

    Attributes
    ----------
    <fitted_attributes>

    See Also
    --------
    TimeConvClassifier : Kernels over several consecutive segments.

    Examples
    --------
    >>> from sklearn_msd import SegmentConvClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, random_state=0)
    >>> SegmentConvClassifier(max_epochs=1, random_state=0).fit(X, y).n_parameters_
    {'conv1': 1300, 'conv2': 2550, 'hidden1': 1200200, 'output': 2010, 'total': 1206060}
    """

    n_kernels: int = 50
    n_conv_layers: int = 2
    hidden_layer_sizes: Sequence[int] = (200,)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSegmentClassifier._parameter_constraints,
        "n_kernels": [_positive],
        "n_conv_layers": [_positive],
        "hidden_layer_sizes": SEQUENCE,
    }

    def _make_module(self, n_inputs: int, n_classes: int) -> SegmentNet:
        return ConvNet(
            n_inputs // self.n_segment_features_,
            self.n_segment_features_,
            n_classes,
            n_kernels=self.n_kernels,
            n_conv_layers=self.n_conv_layers,
            hidden_layer_sizes=_sizes(self.hidden_layer_sizes),
        )


@dataclass(kw_only=True, eq=False, repr=False)
class _CroppingClassifier(BaseSegmentClassifier):
    """Base of those that can train on parts of songs and predict whole ones."""

    crop_segments: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSegmentClassifier._parameter_constraints,
        "crop_segments": [_positive, None],
    }

    @property
    def _crop(self) -> tuple[int, int] | None:
        if self.crop_segments is None:
            return None
        if not self.takes_padding:
            raise ValueError(
                f"crop_segments={self.crop_segments} trains on parts of songs and "
                "predicts whole ones, which needs global_pooling."
            )
        return int(self.crop_segments), self.n_segment_features_


@_documented
@dataclass(kw_only=True, eq=False, repr=False)
class TimeConvClassifier(_CroppingClassifier):
    """1-D convolution over time, with pooling (section 4.2 of the report).

    A kernel covers all features of `kernel_height` consecutive segments. Pools do not
    overlap and nothing is padded: with the default kernels and pools, 120 segments
    become 118, 59, 57 and 28 positions. On songs that are shorter than a kernel or a
    pool, these shrink to fit.

    Parameters
    ----------
    kernel_height : int, default=3
        Consecutive segments that a kernel covers (Figure 6).
    pooling : {"max", "average"} or None, default="max"
        Pooling after each convolutional layer (Figure 8).
    pool_size : int, default=2
        Positions pooled into one; of no effect with ``pooling=None``.
    global_pooling : {"mean", "max", "mean_max"}, sequence of {"mean", "std", "max"} \
            or None, default=None
        Summary of the last convolution over the whole song, instead of all its
        positions: far fewer weights, and no matter where in the song things happen.
        ``("mean", "std")`` is *statistics pooling*, that of x-vectors. Songs may then
        be of unequal length, padded with segments of NaN at the end.
    summary_norm : {"batch", "layer"} or None, default=None
        Normalisation of what the first fully connected layer takes: of each feature
        over the songs of a batch (batch normalisation; in predictions, by the mean and
        variance of the training), or of each song over its features (layer
        normalisation). Its scales and shifts are not penalised.
    dropout : float, default=0.0
        Share of the inputs of each fully connected layer and of the output that is set
        to zero in a training step; in [0, 1).
    crop_segments : int or None, default=None
        Train on as many segments of each song that has more, from a place chosen anew
        in each epoch; predict, and validate, on whole songs. It needs `global_pooling`.
    n_kernels : int, default=50
        Kernels in each convolutional layer.
    n_conv_layers : int, default=2
        Stacked convolutional layers (Figure 7).
    hidden_layer_sizes : sequence of int, default=(200,)
        Units of each fully connected layer.
    <net_parameters>

    Attributes
    ----------
    <fitted_attributes>

    See Also
    --------
    SegmentConvClassifier : The same with a kernel height of 1 and no pooling.
    RecurrentClassifier : The other way to model a sequence.
    SegmentStatistics : What is as good with few songs, and trains in a second.

    Notes
    -----
    To weight a song by 2 is to repeat it, but not with ``summary_norm="batch"``, which
    takes the means of a batch's songs without weights, nor with `dropout` and
    `crop_segments`, which are random.

    References
    ----------
    .. [1] D. Snyder, D. Garcia-Romero, G. Sell, D. Povey, S. Khudanpur (2018).
       X-vectors: robust DNN embeddings for speaker recognition. ICASSP.
    .. [2] S. Ioffe, C. Szegedy (2015). Batch normalization. ICML.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_msd import TimeConvClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_classes=3, random_state=0)
    >>> search = GridSearchCV(
    ...     TimeConvClassifier(max_epochs=3, random_state=0),
    ...     {"kernel_height": [1, 3], "l2": [0.001, 0.01]},
    ...     cv=2,
    ... ).fit(X, y)
    >>> sorted(search.best_params_)
    ['kernel_height', 'l2']
    """

    kernel_height: int = 3
    pooling: Literal["max", "average"] | None = "max"
    pool_size: int = 2
    global_pooling: Literal["mean", "max", "mean_max"] | Sequence[str] | None = None
    summary_norm: Literal["batch", "layer"] | None = None
    dropout: float = 0.0
    n_kernels: int = 50
    n_conv_layers: int = 2
    hidden_layer_sizes: Sequence[int] = (200,)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SegmentConvClassifier._parameter_constraints,
        **_CroppingClassifier._parameter_constraints,
        "kernel_height": [_positive],
        "pooling": [StrOptions({"max", "average"}), None],
        "pool_size": [_positive],
        "global_pooling": [*SEQUENCE, StrOptions({*POOLINGS, "mean_max"}), None],
        "summary_norm": [StrOptions({"batch", "layer"}), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _make_module(self, n_inputs: int, n_classes: int) -> SegmentNet:
        n_segments = n_inputs // self.n_segment_features_
        if self.crop_segments is not None:  # kernels and pools fit these
            n_segments = min(n_segments, self.crop_segments)
        return ConvNet(
            n_segments,
            self.n_segment_features_,
            n_classes,
            n_kernels=self.n_kernels,
            kernel_height=self.kernel_height,
            n_conv_layers=self.n_conv_layers,
            pooling=self.pooling,
            pool_size=self.pool_size,
            global_pooling=self.global_pooling,
            summary_norm=self.summary_norm,
            dropout=self.dropout,
            hidden_layer_sizes=_sizes(self.hidden_layer_sizes),
        )

    @property
    def takes_padding(self) -> bool:
        """Whether songs may end in segments of NaN."""
        return self.global_pooling is not None


@_documented
@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentClassifier(_CroppingClassifier):
    """Recurrent net (GRU, LSTM or tanh units) that reads a song segment by segment.

    The state after the last segment represents the song. Songs may differ in length: as
    a list, or padded with segments of NaN at the end. The report describes such nets
    and leaves them as future work (section 4.1).

    Parameters
    ----------
    cell : {"gru", "lstm", "tanh"}, default="gru"
        Kind of recurrent unit.
    hidden_size : int, default=100
        Units of the state.
    n_layers : int, default=1
        Stacked recurrent layers.
    bidirectional : bool, default=False
        Also read each song backwards and join both final states.
    crop_segments : int or None, default=None
        Train on as many segments of each song that has more, from a place chosen anew
        in each epoch; predict, and validate, on whole songs.
    <net_parameters>

    Attributes
    ----------
    <fitted_attributes>

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import RecurrentClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(100, n_segments=30, n_classes=3, random_state=0)
    >>> X = X.reshape(100, 30, 25)
    >>> X[:50, 20:] = np.nan  # half of the songs are shorter
    >>> net = RecurrentClassifier(hidden_size=10, max_epochs=2, random_state=0)
    >>> net.fit(X, y).predict(X).shape
    (100,)
    """

    cell: Literal["gru", "lstm", "tanh"] = "gru"
    hidden_size: int = 100
    n_layers: int = 1
    bidirectional: bool = False
    l2_layers: Sequence[str] = ("recurrent",)
    l1_layers: Sequence[str] = ("recurrent",)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_CroppingClassifier._parameter_constraints,
        "cell": [StrOptions({"gru", "lstm", "tanh"})],
        "hidden_size": [_positive],
        "n_layers": [_positive],
        "bidirectional": ["boolean"],
    }

    def _make_module(self, n_inputs: int, n_classes: int) -> SegmentNet:
        return RecurrentNet(
            self.n_segment_features_,
            n_classes,
            cell=self.cell,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            bidirectional=self.bidirectional,
        )

    @property
    def takes_padding(self) -> bool:
        """Whether songs may end in segments of NaN."""
        return True


def _sizes(hidden_layer_sizes: Any) -> Sequence[int]:
    """The layer sizes, each a whole number of at least 1."""
    for size in hidden_layer_sizes:
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(
                "hidden_layer_sizes must be a sequence of whole numbers of at least "
                f"1; got {hidden_layer_sizes!r}."
            )
    return [int(size) for size in hidden_layer_sizes]
