"""What all verbs have in common: the native engine, and how its answers become objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from segmentry._decode import decode, decode_all, read
from segmentry.types import Page

if TYPE_CHECKING:
    from segmentry import _native

T = TypeVar("T")


class Verbs:
    """Holds the native engine."""

    _engine: _native.Engine


def as_one(kind: type[T]) -> Callable[[str], T]:
    """JSON as one object."""
    return lambda text: decode(kind, text)


def as_one_or_none(kind: type[T]) -> Callable[[str], T | None]:
    """JSON as one object, or nothing."""
    return lambda text: None if text == "null" else decode(kind, text)


def as_list(kind: type[T]) -> Callable[[str], list[T]]:
    """JSON as a list of objects."""
    return lambda text: decode_all(kind, text)


def as_page(kind: type[T]) -> Callable[[str], Page[T]]:
    """JSON as a page of objects."""

    def of(text: str) -> Page[T]:
        page = json.loads(text)
        items = tuple(read(kind, item) for item in page["items"])
        return Page(items, page["total"], page["page"], page["pages"])

    return of
