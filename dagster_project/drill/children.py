"""Processes to be killed: forked, so that each is a real one and none pays the imports again."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress


class Child:
    """A process that runs `work` and ends. Whoever forks has no ledger open: a connection that two
    processes share would break SQLite's locks."""

    def __init__(self, work: Callable[[], object], is_loud: bool = True) -> None:
        self._is_loud = is_loud  # False: it is meant to fail
        self.pid = os.fork()
        if self.pid == 0:
            self._run(work)

    def _run(self, work: Callable[[], object]) -> None:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            if self._is_loud:
                traceback.print_exc()
        finally:
            os._exit(code)

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait_until_frozen(self) -> None:
        """Until SIGSTOP has it. Raises RuntimeError when it ended instead."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"it ended with {os.waitstatus_to_exitcode(status)} before it froze")

    def wait(self) -> int:
        """The exit code; below 0: the signal that killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
