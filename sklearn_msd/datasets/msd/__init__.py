"""The Million Song Dataset: its HDF5 files, its genre annotations, sets of songs.

Read `track` first, for one file; `build` makes a set of a million.
"""
