"""``MockKMSMixin`` in classes that pytest collects."""

from __future__ import annotations

import pytest

PYTEST_FILE = """
import os, unittest
from mockkms.testing import MockKMSMixin

def test_session(mockkms_session_env):
    assert os.environ["VAULT_ADDR"] == mockkms_session_env.url

class First(MockKMSMixin, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert os.environ["VAULT_ADDR"] == cls.kms.url
        super().setUpClass()

    def test_it(self):
        assert os.environ["VAULT_ADDR"] == self.kms.url

class Second(MockKMSMixin, unittest.TestCase):
    def test_it(self):
        assert os.environ["VAULT_ADDR"] == self.kms.url

def test_session_again(mockkms_session_env):
    assert os.environ["VAULT_ADDR"] == mockkms_session_env.url
"""


def test_pytest_runs_several_classes_each_with_its_own_environment(pytester: pytest.Pytester) -> None:
    """pytest looks at all attributes of the classes when it collects tests, which must not start their servers."""
    pytester.makepyfile(PYTEST_FILE)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=4)
