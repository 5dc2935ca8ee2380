"""Training one net: the skorch net, its batches, its parameters, its checkpoints.

Read `net` first: the loss, the penalties and the masks are there.
"""
