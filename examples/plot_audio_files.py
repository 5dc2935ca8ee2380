"""
From audio files to classes
===========================

A pipeline from paths of sound files to labels: onsets are found, segments of 25
features taken, scaled and classified. No genre recordings can be shipped, so the files
here are 60 spoken digits, and the class is the **voice**: six speakers, asked about
words that they did not say in training. With a folder of songs and a list of genres the
code is the same.
"""

# %%
# What a recording becomes
# ------------------------
# Songs have about four segments a second. A spoken word has few, so we join the ten
# words of one speaker to see more of them.

import matplotlib.pyplot as plt
import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits, segments_from_audio

recordings = load_spoken_digits().recordings
paths, voices = np.array(recordings.filenames), recordings.groups

rate = soundfile.info(paths[0]).samplerate
sound = np.concatenate([soundfile.read(p)[0] for p in paths[voices == "theo"]])
segments, start = segments_from_audio(sound, rate, return_times=True)

fig, axes = plt.subplots(
    3, 1, figsize=(9, 6), sharex=True, height_ratios=[2, 2, 2], layout="constrained"
)
axes[0].plot(np.arange(len(sound)) / rate, sound, color="#0b1d51", linewidth=0.3)
peak = abs(sound).max()
axes[0].vlines(
    start, -peak, peak, color="#c1272d", linewidth=0.8, label="a segment begins"
)
axes[0].set(ylabel="sound")
axes[0].legend(loc="upper right")
edges = np.append(start, len(sound) / rate)
chroma = axes[1].pcolormesh(edges, np.arange(13), segments[:, :12].T, cmap="magma")
axes[1].set_yticks(np.array([0, 2, 4, 5, 7, 9, 11]) + 0.5, list("CDEFGAB"))
axes[1].set(ylabel="chroma")
timbre = (segments - segments.mean(0)) / segments.std(0)
image = axes[2].pcolormesh(
    edges, np.arange(13), timbre[:, 12:24].T, cmap="RdBu", vmin=-3, vmax=3
)
axes[2].set_yticks([0.5, 5.5, 11.5], ["1", "6", "12"])
axes[2].set(ylabel="timbre", xlabel="seconds")
fig.colorbar(chroma, ax=axes[1], label="share of the strongest")
fig.colorbar(image, ax=axes[2], label="standard deviations")
fig.suptitle("Ten spoken digits as segments (speech, not music)")
plt.show()

# %%
# From paths to labels
# --------------------
# :class:`~sklearn_msd.datasets.AudioSegmenter` takes paths where other transformers
# take numbers, and repeats recordings that are too short. With ``memory="folder"`` each
# file would be read once only. The folds leave words out, not rows: no digit that is
# asked about was heard in training.

classifier = make_pipeline(
    AudioSegmenter(n_segments=4),
    StandardScaler(),
    LogisticRegression(C=0.1, max_iter=500),
)
predicted = cross_val_predict(
    classifier, paths, voices, groups=recordings.target, cv=GroupKFold(5)
)
print(f"{np.mean(predicted == voices):.0%} of 60 words go to the right voice")

fig, ax = plt.subplots(layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    voices, predicted, cmap="Blues", colorbar=False, xticks_rotation=30, ax=ax
)
ax.set_title("Whose voice is it? (chance: 17 %)")
plt.show()

# %%
# What to see: most voices are known from words that they never said. The diagonal holds
# the words that go to the right voice, and most of the others go from one of the last
# two voices to the other. With sixty files a linear classifier is enough; for what to
# take with more see :doc:`/guide/which_model`.
