"""Learning from song segments with scikit-learn and PyTorch."""

__version__ = "0.1.0"

__all__: list[str] = []
