"""Passages of docstrings that all net classifiers share."""

from sklearn_msd.training.parameters import TRAINING_PARAMETERS

NET_PARAMETERS = f"""\
n_segment_features : int, default=None
        Features of a segment: where one ends and the next begins in a flat row. None
        is the last axis of three-dimensional songs, and 25 for flat rows. With 1 a row
        is a univariate series.
    warm_start : bool, default=False
        Start `fit` with the weights of the previous fit instead of fresh ones. The
        optimiser and the learning curves start anew. A fit that fails forgets the
        previous one, too.
    {TRAINING_PARAMETERS}"""

FITTED_ATTRIBUTES = """\
classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Width of a flat row.
    n_segment_features_ : int
        Features of a segment.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Where `X` had string column names.
    n_iter_ : int
        Epochs run.
    best_iter_ : int
        Epoch, from 1, with the lowest validation loss; `n_iter_` without validation.
    loss_curve_ : list of float
        Mean cross-entropy of the training songs in each epoch, penalties not included.
    penalty_curve_ : list of float
        Value of the penalties after each epoch.
    validation_loss_curve_, validation_scores_ : list of float or None
        Mean cross-entropy and accuracy on the validation songs, where there were any.
    n_parameters_ : dict of str to int
        Number of weights and biases of each layer and in all (``"total"``).
    net_ : skorch.NeuralNetClassifier
        The skorch net, with its `history_`.
    module_ : torch.nn.Module
        The PyTorch module."""
