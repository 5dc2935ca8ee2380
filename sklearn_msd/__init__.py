"""Learning from song segments with scikit-learn and PyTorch."""

from sklearn_msd.classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.crop_averaging import CropAveragingClassifier
from sklearn_msd.logits import class_logits
from sklearn_msd.segments import SegmentCropper, SegmentScaler, stack_segments

__version__ = "0.1.0"

__all__ = [
    "CropAveragingClassifier",
    "FullyConnectedClassifier",
    "RecurrentClassifier",
    "SegmentConvClassifier",
    "SegmentCropper",
    "SegmentScaler",
    "TimeConvClassifier",
    "class_logits",
    "stack_segments",
]
