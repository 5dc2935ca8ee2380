"""Segments from audio files, and from Spotify's audio analysis.

Read `recording` first: it decodes a file, then computes segments of a kind. `segmenter`
is the transformer over many.
"""
