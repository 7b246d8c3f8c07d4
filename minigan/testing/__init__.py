"""Gradient checks that anyone can use on an operation of their own."""
from .gradcheck import check_grads, numerical_jvp
from .report import GradientError, Report

__all__ = ["GradientError", "Report", "check_grads", "numerical_jvp"]
