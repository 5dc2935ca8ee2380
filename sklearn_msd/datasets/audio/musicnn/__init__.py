"""Features of a net that was trained on the Million Song Dataset's tags: musicnn.

Read `features` first, from samples to features; `net` is the net, and its weights lie
beside it, with their licence.
"""
