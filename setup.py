"""The packages of a distribution: those in ``mockkms/``, and two that have folders with other names in the checkout.

Everything else about the distribution is in ``pyproject.toml``, which also maps the two folders to their packages.
Wheels of the same sources are equal, byte for byte, wherever and whenever they are built (with the same setuptools).
"""

import os

from setuptools import find_packages, setup

# Of each file, archives keep the time and the permissions.
os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")  # 1980-01-01, the first day that a ZIP file can hold.
os.umask(0o022)

plugin = ["pytest_mockkms", *(f"pytest_mockkms.{name}" for name in find_packages("conftest_plugin"))]
setup(packages=[*find_packages(include=["mockkms", "mockkms.*"]), "mockkms.worlds", *plugin])
