"""One way to import what only an extra brings."""

import importlib
from types import ModuleType


def import_optional(module: str, extra: str) -> ModuleType:
    """Import `module`, or say which extra brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module, such as ``"h5py"``.
    extra : str
        Extra of this package that installs it, such as ``"hdf5"``.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If the module cannot be imported; the message names the extra.

    Examples
    --------
    >>> from sklearn_msd.common.optional import import_optional
    >>> import_optional("json", "hdf5").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is needed here and could not be imported ({error}). "
            f"Install it with: pip install 'sklearn-msd[{extra}]'"
        ) from error
