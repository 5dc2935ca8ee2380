from . import datasets
from .classifiers.crop_averaging import CropAveragingClassifier
from .classifiers.net_classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from .classifiers.sparse_refit import SparseRefitClassifier
from .combining.correcting import CorrectingClassifier
from .combining.joint import JointCombiner
from .combining.linear import LinearCombiner
from .combining.logits import class_logits
from .combining.nonlinear import NonlinearCombiner
from .inspection.combiner import CombinerDisplay
from .inspection.learning_curves import ComparisonDisplay, LearningCurveDisplay
from .inspection.weights import KernelDisplay, WeightHistogramDisplay
from .saving.onnx_export import to_onnx
from .saving.save_load import load, save
from .segments.cropper import SegmentCropper
from .segments.layout import stack_segments
from .segments.scaler import SegmentScaler
from .segments.statistics import SegmentStatistics

__all__ = [
    "CombinerDisplay",
    "ComparisonDisplay",
    "CorrectingClassifier",
    "CropAveragingClassifier",
    "FullyConnectedClassifier",
    "JointCombiner",
    "KernelDisplay",
    "LearningCurveDisplay",
    "LinearCombiner",
    "NonlinearCombiner",
    "RecurrentClassifier",
    "SegmentConvClassifier",
    "SegmentCropper",
    "SegmentScaler",
    "SegmentStatistics",
    "SparseRefitClassifier",
    "TimeConvClassifier",
    "WeightHistogramDisplay",
    "class_logits",
    "datasets",
    "load",
    "save",
    "stack_segments",
    "to_onnx",
]

__version__: str
