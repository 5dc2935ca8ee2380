import subprocess
import sys

import sklearn_msd


def run(code):
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout


def test_the_package_and_its_command_line_are_there_without_pytorch():
    code = (
        "import sys, sklearn_msd, sklearn_msd.cli\n"
        "try:\n    sklearn_msd.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'sklearn', 'numpy'} & {*sys.modules})"
    )
    assert run(code).endswith("set()\n")


def test_every_name_can_be_had():
    assert "datasets" in sklearn_msd.__all__
    for name in sklearn_msd.__all__:
        assert getattr(sklearn_msd, name) is not None
    assert {*sklearn_msd.__all__} <= {*dir(sklearn_msd)}
    assert not hasattr(sklearn_msd, "nothing")
    assert (
        sklearn_msd.TimeConvClassifier.__module__
        == "sklearn_msd.classifiers.net_classifiers"
    )
