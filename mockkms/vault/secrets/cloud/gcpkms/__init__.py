"""The Google Cloud KMS secrets engine: keys of this world stand for those of Cloud KMS, which is never contacted.

Source: ``vault-plugin-secrets-gcpkms`` and its API documentation; no recording exists.
"""
