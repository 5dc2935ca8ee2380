"""Many nets trained as one: what a GPU does in nearly the time of one of them.

Read `tensors` first, which has the step; `stack` then lets the fits of several threads
take part in it, and `meeting` brings them together.
"""
