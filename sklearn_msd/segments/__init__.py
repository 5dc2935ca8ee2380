"""Songs as arrays of segments: layout, padding, checks, and the transformers.

A song is a flat row or (n_segments, n_segment_features). Read `layout` first.
"""
