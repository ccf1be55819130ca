"""Reads of a host that are under way at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Self, TypeVar

from phoenix_plan.commands import Answer, Content, Contents, Output, Paths, Read
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.base import ReadableHost

_AnswerT = TypeVar("_AnswerT", Output, Content, Contents, Paths)

_AT_ONCE = 16


class Questions:
    """Reads under way, by probe. Each is asked once, and told when it is wanted."""

    def __init__(self, host: ReadableHost, progress: Callable[[str], None]) -> None:
        self._host = host
        self._progress = progress
        self._one_at_a_time = Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="probe")
        self._answers: dict[str, Future[Answer]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def ask(self, probe: str, read: Read) -> None:
        """Start a read."""
        self._answers[probe] = self._threads.submit(self._answer, probe, read)

    def _answer(self, probe: str, read: Read) -> Answer:
        with self._one_at_a_time:
            self._progress(probe)
        return self._host.answer(probe, read)

    def output(self, probe: str) -> Output:
        """What a tool did. Raises HostError."""
        return self._told(probe, Output)

    def content(self, probe: str) -> bytes | None:
        """What a file holds, None where there is none. Raises HostError."""
        return self._told(probe, Content).data

    def files(self, probe: str) -> tuple[tuple[str, bytes], ...]:
        """What several files hold, by path. Raises HostError."""
        return self._told(probe, Contents).files

    def paths(self, probe: str) -> Paths:
        """What a pattern matched. Raises HostError."""
        return self._told(probe, Paths)

    def _told(self, probe: str, kind: type[_AnswerT]) -> _AnswerT:
        answer = self._answers[probe].result()
        if not isinstance(answer, kind):
            raise HostError(f"{probe}: the host answered with a {type(answer).__name__}")
        return answer
