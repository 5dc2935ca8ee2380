"""Displays of what was learnt: curves, weights, kernels, combiners.

Each takes fitted estimators, draws with matplotlib and changes nothing. Read
`learning_curves` first.
"""
