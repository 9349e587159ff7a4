"""Secrets engines for clouds and hosted services, whose credentials are made up."""
