"""The packages of a distribution: those in ``mockkms/``, and two that have folders with other names in the checkout.

Everything else about the distribution is in ``pyproject.toml``, which also maps the two folders to their packages.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["mockkms", "mockkms.*"]), "mockkms.worlds", "pytest_mockkms"])
