from . import datasets
from .classifiers.crop_averaging import CropAveragingClassifier
from .classifiers.net_classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from .classifiers.sparse_refit import SparseRefitClassifier
from .combining import LinearCombiner, NonlinearCombiner
from .correcting import CorrectingClassifier
from .inspection.combiner import CombinerDisplay
from .inspection.learning_curves import ComparisonDisplay, LearningCurveDisplay
from .inspection.weights import KernelDisplay, WeightHistogramDisplay
from .joint_combining import JointCombiner
from .logits import class_logits
from .onnx_export import to_onnx
from .persistence import load, save
from .segments.cropper import SegmentCropper, SegmentScaler, stack_segments

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
