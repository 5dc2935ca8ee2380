"""What is kept of a training: in files, copies and checkpoints.

Read `state` first.
"""
