"""The Google Cloud secrets engine: keys and access tokens of service accounts.

Google Cloud is never contacted: the credentials are random and Google refuses them.

Source: ``vault-plugin-secrets-gcp`` and its API documentation; no recording exists.
"""
