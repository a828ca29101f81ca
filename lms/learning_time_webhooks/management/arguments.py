"""Arguments that several commands take."""

from __future__ import annotations

import uuid

from django.core.management.base import CommandError


def enterprise_id(text: str) -> str:
    """The UUID in lower case with dashes, the form in which enterprises are compared. Raises CommandError."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise CommandError("the enterprise is named by its UUID") from None
