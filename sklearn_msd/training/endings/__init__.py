"""What ends a training from outside: Ctrl-C, and a parallel loop that has ended.

Read `interrupts` first.
"""
