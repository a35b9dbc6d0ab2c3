"""Threads that race, and interruptions at any line."""

from __future__ import annotations

import sys
import threading

from lucid.nn import lazy


def race(layer, inputs):
    """Call the layer from one thread per input, all at once; (outputs, errors) in their order."""
    start = threading.Barrier(len(inputs))
    outputs, errors = [None] * len(inputs), [None] * len(inputs)

    def work(i):
        start.wait()
        try:
            outputs[i] = layer(inputs[i])
        except Exception as error:
            errors[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outputs, errors


REPAIRS = ("undo", "drop", "_empty", "dematerialize")


def interrupted_at_every_line(make, act, check):
    """Run ``act(make())`` again and again, raising KeyboardInterrupt at its 1st, 2nd, ... line."""
    n, interrupted = 0, True
    while interrupted:
        n += 1
        subject, left, interrupted = make(), n, False

        def trace(frame, event, argument):
            nonlocal left, interrupted
            name = frame.f_code.co_filename
            if event == "call":
                # what puts things back must itself be let alone
                ours = "lucid" in name and not name.endswith(("grad_mode.py", "random.py"))
                return trace if ours and frame.f_code.co_name not in REPAIRS else None
            if event == "line":
                left -= 1
                if left == 0:
                    interrupted = True
                    raise KeyboardInterrupt
            return trace

        # Python traces the end of a `with` as a line, where no signal can ever interrupt it: an
        # error there leaves the lock taken. So each try has a new one.
        lazy._renew_lock()
        before = sys.gettrace()
        try:
            sys.settrace(trace)
            act(subject)
        except KeyboardInterrupt as error:
            sys.settrace(before)
            check(subject, error)  # with the traceback alive, as in an interactive session
        finally:
            sys.settrace(before)
    lazy._renew_lock()
    return n
