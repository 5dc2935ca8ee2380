"""Songs by the name of where they are: arrays, audio with labels, single tracks."""
