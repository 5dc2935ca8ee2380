"""The nets as scikit-learn classifiers (sections 3 and 4 of the report).

Read `base` first, which has `fit`; `net_classifiers` then is a list of parameters.
"""
