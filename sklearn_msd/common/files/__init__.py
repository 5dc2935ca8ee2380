"""Files that are whole or not there, and the file of values and arrays.

Read `whole` first.
"""
