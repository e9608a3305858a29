"""What stands between the gateway and a plugin in Python. `hookwright plugin build` puts it into the component.

WASI is not there, so that whatever CPython asks of it ends the call without a word. Here the words are saved: what is
printed and what is raised go to the contract's log, time stands still at the time of the call, and randomness follows from
what the call is about, so that a replay gives the same bytes.
"""

import sys
import time

import {{module}} as app
from componentize_py_types import Err
from wit_world.imports import log


class _Lines:
    """A stream whose lines go to the log."""

    encoding = "utf-8"

    def __init__(self, level):
        self.level = level
        self.rest = ""

    def write(self, text):
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            log.write(self.level, line)
        return len(text)

    def flush(self):
        if self.rest:
            log.write(self.level, self.rest)
            self.rest = ""

    def isatty(self):
        return False


def _tell(error):
    """The type, the text and the way of an exception. The module `traceback` would look for source files."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != __file__:
            lines.append(f"  {code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} in {code.co_qualname}")
        trace = trace.tb_next
    log.write(log.Level.ERROR, "\n".join([f"{type(error).__name__}: {error}", *lines]))


def _call(function, context, *arguments):
    now_ms = context.now_ms
    time.time = lambda: now_ms / 1000
    time.time_ns = lambda: now_ms * 1_000_000
    time.monotonic = time.perf_counter = lambda: 0.0
    time.monotonic_ns = time.perf_counter_ns = lambda: 0
    if "random" in sys.modules:
        sys.modules["random"].seed(f"{context.subject_id} {context.attempt}")
    sys.stdout, sys.stderr = _Lines(log.Level.INFO), _Lines(log.Level.WARN)
    try:
        return function(context, *arguments)
    except Err:
        raise
    except BaseException as error:
        _tell(error)
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if hasattr(app, "Intake"):

    class Intake(app.Intake):
        def parse(self, context, request):
            return _call(super().parse, context, request)

        def resume(self, context, request, resumption):
            return _call(super().resume, context, request, resumption)


if hasattr(app, "Dispatch"):

    class Dispatch(app.Dispatch):
        def transform(self, context, event, delivery):
            return _call(super().transform, context, event, delivery)
