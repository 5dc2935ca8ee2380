"""Combiners and correctors: on the logits of any classifiers (sections 5 and 6).

Read `logits` first, then `linear` for combining and `correcting` for equation 3.
"""
