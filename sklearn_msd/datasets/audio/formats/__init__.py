"""Formats of audio files: where their sound lies in them, and where it ends.

`mpeg` is for MP3, `containers` for WAV, Ogg and FLAC, `other_decoders` for the rest.
"""
