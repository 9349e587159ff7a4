"""The Google Cloud KMS secrets engine. Keys of this world replace those of Cloud KMS, which is never contacted.

Source: ``vault-plugin-secrets-gcpkms`` and its API documentation; no recording exists.
"""
