"""Numerics on plain arrays: the last axis is energy, any leading axes are a batch.

Energies are binding-like here: larger means more tightly bound. On a kinetic axis the caller passes
``-energy`` and ``-center``.
"""
