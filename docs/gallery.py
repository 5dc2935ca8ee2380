"""The order of the gallery's pages: a way from recordings to models that are used."""

JOURNEY = (
    "plot_audio_files.py",
    "plot_taggram.py",
    "plot_statistics_and_net.py",
    "plot_shuffled_segments.py",
    "plot_kernels.py",
    "plot_unequal_lengths.py",
    "plot_grid_search.py",
    "plot_sparse_weights.py",
    "plot_combiner_weights.py",
    "plot_correcting.py",
    "plot_stacked_correctors.py",
    "plot_calibration.py",
)


class Journey:
    """Sort key of sphinx-gallery, which makes one for each folder of scripts."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return "Journey()"  # the same in every build: a part of the configuration

    def __call__(self, filename: str) -> int:
        """The place of a script."""
        return JOURNEY.index(filename)
