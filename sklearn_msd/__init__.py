"""Learning from song segments with scikit-learn and PyTorch.

The public names are those of ``__init__.pyi``, each imported when it is first used:
``import sklearn_msd`` alone takes neither PyTorch nor scikit-learn in (SPEC 1).
"""

import lazy_loader

from sklearn_msd.training.together.joblib_backend.registering import register

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register()
del register
