"""A verb under way, waited for or awaited. Each verb is written once and offered both ways."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from segmentry.errors import SegmentryError

if TYPE_CHECKING:
    from segmentry._native import Call

P = ParamSpec("P")
T = TypeVar("T")


class Pending(Generic[T]):
    """A call of the native module with what makes its answer a Python object."""

    def __init__(
        self,
        call: Call,
        then: Callable[[Any], T],
        *,
        document: str | None = None,
        told: Callable[[str], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        self._call = call
        self._then = then
        self._document = document
        self._told = told
        self._ended = ended

    def wait(self) -> T:
        """Blocks until the answer is there. Ctrl-C, or an exception of a listener, stops the verb."""
        try:
            while not self._call.wait():
                self._tell()
            self._tell()
            return self._answer()
        except BaseException:
            self._call.cancel()
            raise
        finally:
            if self._ended is not None:
                self._ended()

    def __await__(self) -> Generator[Any, None, T]:
        return self._run().__await__()

    async def _run(self) -> T:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        self._call.listen(lambda: loop.call_soon_threadsafe(woken.set))
        try:
            while not self._call.done():
                await woken.wait()
                woken.clear()
                self._tell()
            self._tell()
            return self._answer()
        except BaseException:
            self._call.cancel()
            raise
        finally:
            if self._ended is not None:
                self._ended()

    def _tell(self) -> None:
        events = self._call.events()
        if self._told is not None:
            for event in events:
                self._told(event)

    def _answer(self) -> T:
        try:
            return self._then(self._call.result())
        except SegmentryError as error:
            error.document = self._document
            raise


def blocking(verb: Callable[P, Pending[T]]) -> Callable[P, T]:
    """The verb as a plain call that waits for the answer."""

    @functools.wraps(verb)
    def wait(*args: P.args, **kwargs: P.kwargs) -> T:
        return verb(*args, **kwargs).wait()

    wait.__signature__ = _signature(verb)  # type: ignore[attr-defined]
    return wait


def awaitable(blocked: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The verb behind a plain call as a coroutine; cancelling it stops the verb."""
    verb: Callable[P, Pending[T]] = inspect.unwrap(blocked)

    @functools.wraps(blocked)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await verb(*args, **kwargs)

    run.__doc__ = f"The same as `{verb.__name__}`, awaited."
    run.__name__ = f"{verb.__name__}_async"
    run.__qualname__ = f"{verb.__qualname__}_async"
    run.__signature__ = _signature(verb)  # type: ignore[attr-defined]
    return run


def as_is(answer: T) -> T:
    """An answer that needs nothing done to it."""
    return answer


def nothing(answer: object) -> None:
    """The answer of a verb that has none."""


def unpicklable(what: str) -> TypeError:
    """Why something of an engine can't be pickled or copied."""
    return TypeError(
        f"{what} can't be pickled: it lives off this process's threads and files; open an engine on the "
        "catalog in the other process instead"
    )


def _signature(verb: Callable[..., Any]) -> inspect.Signature:
    """What people are shown: the answer, not that it is pending."""
    signature = inspect.signature(verb)
    answer = str(signature.return_annotation).removeprefix("Pending[").removesuffix("]")
    return signature.replace(return_annotation=answer)
