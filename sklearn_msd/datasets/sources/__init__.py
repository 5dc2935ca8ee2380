"""Songs by the name of where they are: arrays, audio with labels, single tracks.

The command line and the report read through this. Read `songs` first.
"""
