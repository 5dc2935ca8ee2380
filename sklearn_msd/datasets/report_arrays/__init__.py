"""The arrays that the report was made with, and any in their format.

Read `npz` first.
"""
