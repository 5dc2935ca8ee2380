"""The nets, as plain PyTorch modules: flat songs in, logits out.

They know nothing of scikit-learn, skorch or files. Read `base` first.
"""
