import json

import pytest

from sklearn_msd.common.optional import import_optional


def test_returns_the_module_itself():
    assert import_optional("json", "hdf5") is json


def test_a_missing_module_names_its_extra():
    with pytest.raises(ImportError, match=r"pip install 'sklearn-msd\[hdf5\]'"):
        import_optional("no_such_module_at_all", "hdf5")
