"""Segments from audio files, and from Spotify's audio analysis.

Read `segmenter` first; it decodes, then computes features.
"""
