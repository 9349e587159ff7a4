"""Auth methods that ask a cloud: their configuration and roles. Logins need the cloud, and are refused.

Rules: the API pages of HashiCorp Vault and the published sources of its plugins; nothing of it is recorded.
"""
