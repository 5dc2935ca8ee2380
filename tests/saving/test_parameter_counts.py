from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_models import DENSE, WIDTH, songs

from sklearn_msd import CorrectingClassifier, LinearCombiner
from sklearn_msd.saving.parameter_counts import n_parameters

X, Y = songs()


def numbers(net):
    return sum(parameter.numel() for parameter in net.module_.parameters())


def test_all_parts_are_counted_once():
    base = clone(DENSE).fit(X, Y)
    own = numbers(base)
    assert n_parameters(base) == own == n_parameters(FrozenEstimator(base))
    frozen = FrozenEstimator(base)
    corrected = CorrectingClassifier(frozen, DENSE).fit(X, Y)
    assert n_parameters(corrected) == 2 * own
    combined = LinearCombiner([("a", frozen), ("b", frozen)]).fit(X, Y)
    assert n_parameters(combined) == 2 * own + 3 * 6 + 3


def test_scikit_learns_models():
    one = (WIDTH + 1) * 3
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert n_parameters(scaled) == one
    bag = BaggingClassifier(LogisticRegression(), n_estimators=4).fit(X, Y)
    assert n_parameters(bag) == 4 * one
