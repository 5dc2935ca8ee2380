"""Where nets are trained: the device that a parameter names."""

import torch


def resolve_device(device: str) -> torch.device:
    """The device that a `device` parameter names.

    Raises
    ------
    ValueError
        If PyTorch does not know the name or the machine lacks the device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()  # "meta" holds no numbers
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} is not to be had here: {str(error).splitlines()[0]}"
        ) from error
    return found
