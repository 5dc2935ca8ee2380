"""What conventions of scikit-learn ask for that more than one folder here needs.

`routing` hands metadata on to estimators inside an estimator, and to splitters;
`output` makes data frames of what transformers give; `private` has every private name
of scikit-learn that the package uses.
"""
