"""The classes that a model file may name, and no others."""

from __future__ import annotations

import importlib
import inspect
from functools import cache

from sklearn.base import BaseEstimator

from sklearn_msd.combining.joint import JointNet

# Beside this package's public estimators. Their state
# is plain values and arrays: no compiled trees, no functions.
_CLASSES = {
    "sklearn.calibration": (
        *("CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"),
        "_TemperatureScaling",
    ),
    "sklearn.decomposition": ("PCA",),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "sklearn.ensemble": ("BaggingClassifier", "StackingClassifier", "VotingClassifier"),
    "sklearn.feature_selection": ("VarianceThreshold",),
    "sklearn.frozen": ("FrozenEstimator",),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model": ("LogisticRegression", "RidgeClassifier"),
    "sklearn.model_selection": (
        *("GroupKFold", "KFold", "PredefinedSplit", "ShuffleSplit"),
        *("StratifiedGroupKFold", "StratifiedKFold", "StratifiedShuffleSplit"),
    ),
    "sklearn.naive_bayes": ("GaussianNB",),
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.preprocessing": (
        *("LabelBinarizer", "LabelEncoder", "MaxAbsScaler", "MinMaxScaler"),
        *("Normalizer", "PowerTransformer", "QuantileTransformer", "RobustScaler"),
        "StandardScaler",
    ),
    "sklearn.utils._metadata_requests": ("MetadataRequest", "MethodMetadataRequest"),
    "sklearn.svm": ("SVC",),
}
# What is public of this package, and this, by the names that files know: the name of
# what came before is read.
_PARTS: dict[str, type] = {
    "sklearn_msd.joint_combining._Together": JointNet,
    "sklearn_msd.JointNet": JointNet,
}
_PACKAGES = ("sklearn_msd", "sklearn_msd.datasets")


@cache
def classes_by_name() -> dict[str, type]:
    """Every class that may be in a file, by the name that it has there."""
    found = dict(_PARTS)
    for module, names in _CLASSES.items():
        source = importlib.import_module(module)
        present = [name for name in names if hasattr(source, name)]  # in this version
        found |= {f"{module}.{name}": getattr(source, name) for name in present}
    for package in _PACKAGES:
        public = importlib.import_module(package)
        for name in public.__all__:
            item = getattr(public, name)
            if inspect.isclass(item) and issubclass(item, BaseEstimator):
                found[f"{package}.{name}"] = item
    return found


@cache
def class_names() -> dict[type, str]:
    """The names by class."""
    return {cls: name for name, cls in classes_by_name().items()}
