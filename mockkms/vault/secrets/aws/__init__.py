"""The AWS secrets engine: access keys made up for roles, with a lease. AWS is not asked and knows none of them.

Rules: HashiCorp Vault's API page and published source; nothing of it is recorded.
"""

from mockkms.vault.secrets.aws.endpoints import engine
from mockkms.vault.secrets.aws.model import AWS

__all__ = ["AWS", "engine"]
