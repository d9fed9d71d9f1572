"""Compiled kernels: one line shape or one calculation in each module."""
