"""What every folder may lean on: whole files, model files, optional imports.

It knows nothing of songs or nets. Read `files` first.
"""
