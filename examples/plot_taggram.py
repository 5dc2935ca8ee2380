"""
What a net hears: tags over time
================================

musicnn is a net that was trained on the Million Song Dataset to say what listeners
would call a song: "rock", "female vocalists", "ambient". Every three seconds it gives a
probability for each of 50 such tags. Drawn over time, a line a tag, they make a
*taggram*. No song may be shipped, so the recording here is made up: half a minute in
four parts.
"""

# %%
# A made-up recording
# -------------------
# Soft chords; a beat with a bass; the same beat under a distorted guitar, as far as a
# few lines can make one; and the noise of the sea.

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

from sklearn_msd.datasets import AudioSegmenter, segments_from_audio

RATE = 16_000
PART = 9  # seconds
t = np.arange(PART * RATE) / RATE
rng = np.random.default_rng(0)


def note(midi, harmonics=6):
    """A tone with harmonics, each fainter than the one below."""
    hertz = 440 * 2 ** ((midi - 69) / 12)
    return sum(np.sin(2 * np.pi * hertz * k * t) / k**1.5 for k in range(1, harmonics))


def hits(every, length, start=0.0):
    """An envelope that is struck again and again, in seconds."""
    since = (t - start) % every
    return np.exp(-since / length) * (t >= start)


chord = sum(note(midi) for midi in (57, 60, 64, 69))
swell = 0.5 * (1 - np.cos(2 * np.pi * t / PART))
soft = swell * chord

kick = np.sin(2 * np.pi * 55 * t) * hits(0.5, 0.08)
hat = rng.normal(size=len(t)) * hits(0.25, 0.02, start=0.125)
snare = rng.normal(size=len(t)) * hits(1.0, 0.08, start=0.5)
bass = np.sign(np.sin(2 * np.pi * 55 * t)) * hits(0.25, 0.1)
beat = kick + 0.3 * hat + 0.4 * snare
dance = beat + 0.3 * bass

riff = note(40, 12) + note(47, 12) + note(52, 12)
loud = beat + 0.8 * np.tanh(8 * riff) * (0.6 + 0.4 * hits(0.25, 0.2))

waves = lfilter([1], [1, -0.98], rng.normal(size=len(t)))
waves *= 0.6 + 0.4 * np.sin(2 * np.pi * t / 4)

PARTS = {"soft chords": soft, "beat and bass": dance, "guitar": loud, "sea": waves}
sound = np.concatenate([0.4 * part / np.abs(part).max() for part in PARTS.values()])

# %%
# The taggram
# -----------
# The twelve tags that are strongest anywhere. A column is a segment of three seconds.

tags, start = segments_from_audio(
    sound, RATE, features="musicnn", output="tags", return_times=True
)
names = AudioSegmenter(1, features="musicnn", output="tags").get_feature_names_out()
names = np.array([name.removeprefix("segment_0_") for name in names])
strongest = np.argsort(-tags.max(axis=0))[:12]
strongest = strongest[np.argsort(tags[:, strongest].argmax(axis=0), kind="stable")]

fig, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
edges = np.append(start, start[-1] + start[1])
image = ax.pcolormesh(
    edges, np.arange(13), tags[:, strongest].T, cmap="magma", vmin=0, vmax=0.6
)
ax.set_yticks(np.arange(12) + 0.5, names[strongest])
ax.invert_yaxis()
for i, part in enumerate(PARTS):
    ax.axvline(PART * i, color="white", linewidth=1)
    ax.text(PART * (i + 0.5), -0.15, part, ha="center", va="bottom")
ax.set(xlabel="seconds", xlim=(0, edges[-1]))
fig.colorbar(image, label="probability of the tag", extend="max")
fig.suptitle("What musicnn hears in a made-up recording")
plt.show()

# %%
# What to see: the net changes its mind where the recording does, and its words fit:
# "indie" for the chords, "electronic" for the beat, "ambient" for the sea. The guitar
# does not deceive it: the net calls it electronic, which it is.
#
# For genres of your own, take what the net knows *before* it puts it into these words:
# ``AudioSegmenter(features="musicnn")`` gives 200 numbers every three seconds, and a
# support vector machine on their means tells genres apart after ten songs of each
# (:doc:`/guide/audio`).
