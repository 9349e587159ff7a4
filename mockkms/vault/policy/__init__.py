"""ACL policies: parsing, merging, identity templates, and explanations of denials."""
