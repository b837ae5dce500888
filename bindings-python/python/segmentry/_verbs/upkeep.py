"""Keeping house."""

from __future__ import annotations

import os

from segmentry._calls import Pending, as_is, awaitable, blocking
from segmentry._documents import Key, Seconds, seconds
from segmentry._verbs.base import Verbs, as_one, as_one_or_none
from segmentry.types import Check, Forgotten, StoreStatus, Vacuumed


class UpkeepVerbs(Verbs):
    """The verbs that look after what is kept."""

    @blocking
    def check(self) -> Pending[Check]:
        """Reads everything once and tells what is damaged and how to mend it.

        >>> engine.check().is_sound
        True
        """
        return Pending(self._engine.check(), as_one(Check))

    check_async = awaitable(check)

    @blocking
    def vacuum(
        self, keep_versions: int, *, younger_than: Seconds | None = None, runs: int | None = None
    ) -> Pending[Vacuumed]:
        """Drops older versions of segments but for the newest `keep_versions`, never the current one.

        Kept besides is what was published within `younger_than` before now. With `runs`, only the newest so
        many reports of runs are kept, and those that a kept version is from.

        >>> engine.vacuum(keep_versions=1).versions
        0
        """
        return Pending(self._engine.vacuum(keep_versions, seconds(younger_than), runs), as_one(Vacuumed))

    vacuum_async = awaitable(vacuum)

    @blocking
    def backup(self, path: str | os.PathLike[str]) -> Pending[int]:
        """Copies a catalog in use to a new file, and answers its size in bytes; writes over nothing.

        >>> engine.backup(folder / "copy.db") > 0
        True
        """
        return Pending(self._engine.backup(path), as_is)

    backup_async = awaitable(backup)

    @blocking
    def forget(self, key: Key) -> Pending[Forgotten]:
        """Erases one user from every version of every segment, from the catalog's keys and from the store.

        Rules that pick the user by hand are listed and left to you, as are the sources, exports and copies.

        >>> engine.forget(3).segments
        1
        >>> list(engine.segment("Metro"))
        [1]
        """
        return Pending(self._engine.forget(key), as_one(Forgotten))

    forget_async = awaitable(forget)

    @blocking
    def store_status(self) -> Pending[StoreStatus | None]:
        """Size, rows and freshness of the profile store; nothing if the engine has none."""
        return Pending(self._engine.store_status(), as_one_or_none(StoreStatus))

    store_status_async = awaitable(store_status)

    @blocking
    def compact(self) -> Pending[StoreStatus | None]:
        """Merges all of the store's parts and drops what no rule asks about any more."""
        return Pending(self._engine.compact(), as_one_or_none(StoreStatus))

    compact_async = awaitable(compact)
