"""PyTorch's devices and modes, and its private names.

`device` chooses where nets compute; `modes` keeps settings of PyTorch made around a net
away from it; `private` has every private name of PyTorch that the package uses.
"""
