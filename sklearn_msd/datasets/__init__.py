"""Song segments from every source: files of arrays, HDF5, audio, synthetic."""

__all__: list[str] = []
