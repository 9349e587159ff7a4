"""The policy language: rules from texts, merged rules, identity templates, and the explanation of a denial."""
