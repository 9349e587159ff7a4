"""Label selectors: labels that a namespace must have, according to an API server on this machine."""

from __future__ import annotations

from mockkms.vault.auth.kubernetes.model import KubernetesConfig
from mockkms.vault.auth.kubernetes.review import texts_of

_LONGEST = 64 * 1024
"""Characters of a selector: YAML is read slowly."""


def parse(text: str) -> dict[str, str]:
    """Return the required labels of a selector in JSON or YAML. Raises ValueError for invalid ones.

    Expressions are refused, as the real method does not support them.
    """
    import yaml

    if len(text) > _LONGEST:
        raise ValueError(f"a label selector has at most {_LONGEST} characters")
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None
    given = {} if given is None else given
    if not isinstance(given, dict) or given.get("matchExpressions") is not None:
        raise ValueError("label selector match expressions are not supported")
    labels = given.get("matchLabels") or {}
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ValueError("labels are texts")
    return {str(name): value for name, value in labels.items()}


def matches(config: KubernetesConfig, text: str, namespace: str) -> bool:
    """Return whether ``namespace`` has the selected labels. Raises ValueError or OSError without a valid response."""
    wanted = parse(text)
    if not config.token_reviewer_jwt:
        raise ValueError("namespace lookup failed: TokenReviewer JWT needs to be configured to use namespace selectors")
    labels = texts_of(config, config.token_reviewer_jwt, namespace, "labels", what="namespace")
    return wanted.items() <= labels.items()
