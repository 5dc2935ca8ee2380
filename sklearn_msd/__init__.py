"""Learning from song segments with scikit-learn and PyTorch."""

from sklearn_msd.classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.combiner_display import CombinerDisplay
from sklearn_msd.combining import LinearCombiner, NonlinearCombiner
from sklearn_msd.correcting import CorrectingClassifier
from sklearn_msd.crop_averaging import CropAveragingClassifier
from sklearn_msd.inspection import ComparisonDisplay, LearningCurveDisplay
from sklearn_msd.joint_combining import JointCombiner
from sklearn_msd.logits import class_logits
from sklearn_msd.onnx_export import to_onnx
from sklearn_msd.persistence import load, save
from sklearn_msd.segments import SegmentCropper, SegmentScaler, stack_segments
from sklearn_msd.sparsity import SparseRefitClassifier
from sklearn_msd.weight_inspection import KernelDisplay, WeightHistogramDisplay

__version__ = "0.1.0"

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
    "load",
    "save",
    "stack_segments",
    "to_onnx",
]
