"""Fitted estimators in files: models without pickle, and ONNX.

Read `save_load` first.
"""
