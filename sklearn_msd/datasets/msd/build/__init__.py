"""Build a genre data set from a folder of track files, and go on where it stopped.

Read `build` first: it walks, reads in shards, splits, and assembles.
"""
