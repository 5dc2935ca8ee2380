import pytest
from sklearn.base import is_classifier

from sklearn_msd import FullyConnectedClassifier
from sklearn_msd.cli.models import MODELS, make_model


@pytest.mark.parametrize("name", MODELS)
def test_seed_epochs_and_width_reach_every_net(name):
    model = make_model(name, [], random_state=3, max_epochs=2, device=None)
    assert is_classifier(model)
    params = model.get_params()
    last = {key: key.split("__")[-1] for key in params}
    assert {params[k] for k in params if last[k] == "random_state"} == {3}
    if MODELS[name].takes == "statistics":
        return  # no net
    assert {params[k] for k in params if last[k] == "max_epochs"} == {2}
    assert {params[k] for k in params if last[k] == "device"} == {"auto"}


def test_values_are_literals_or_text_and_go_before_shared_ones():
    settings = [
        *("hidden_layer_sizes=(20, 5)", "l2=1e-4", "early_stopping=True"),
        *("class_weight={'a': 2}", "lr_schedule=one_cycle", "max_epochs = 7"),
    ]
    model = make_model("fully-connected", settings, max_epochs=2)
    expected = FullyConnectedClassifier(
        hidden_layer_sizes=(20, 5),
        l2=1e-4,
        early_stopping=True,
        class_weight={"a": 2},
        lr_schedule="one_cycle",
        max_epochs=7,
    )
    assert model.get_params() == expected.get_params()


def test_text_that_is_code_is_text():
    model = make_model("time-conv", ["device=__import__('os')"])
    assert model.device == "__import__('os')"


def test_parts_by_their_names():
    settings = ["time_conv__kernel_height=5", "cv=2"]
    model = make_model("linear-combiner", settings)
    assert dict(model.estimators)["time_conv"].kernel_height == 5
    assert model.cv == 2


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("time-conv", "pool=2", r"no parameter 'pool' of time-conv.* There are .*l2,"),
        ("corrected", "nothing=2", r"those of corrector, estimator, as corrector__"),
        ("corrected", "corrector__kernels=2", r"'kernels' of corrector of corrected"),
        ("corrected", "no__such=2", r"no parameter 'no__such' of corrected"),
        ("time-conv", "callbacks=[1]", r"callbacks of time-conv takes objects"),
        ("joint-combiner", "estimators=3", r"estimators of joint-combiner takes obj"),
        ("corrected", "estimator__pooling=3", r"The 'pooling' parameter of TimeConv"),
        ("corrected", "corrector=3", r"The 'corrector' parameter of Correcting"),
        ("linear-combiner", "time__l2=1", r"those of fully_connected, segment_conv"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_ones(name, setting, message):
    with pytest.raises(ValueError, match=message) as caught:
        make_model(name, [setting])
    assert "\n" not in str(caught.value)
