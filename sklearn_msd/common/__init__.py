"""What every folder may lean on: whole files, model files, devices, extras.

It knows nothing of songs or nets. Read `files.atomic` first.
"""
