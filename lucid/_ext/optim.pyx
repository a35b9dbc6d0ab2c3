"""The steps of the optimizers: one pass over each array, instead of one for each sign.

A step is done number by number, so any split of the arrays gives the same bits. The formulas are
those of ``numpy_twins.py``, in the same order; results differ from theirs by rounding only.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt, sqrtf

from lucid._ext.threads cimport team

cdef enum:
    BLOCK = 2048  # numbers that one thread takes at a time


def adam_step(
    floating[::1] p,                  # OUT  (n,), the parameter
    const floating[::1] grad,         # IN   (n,)
    floating[::1] m,                  # OUT  (n,), the mean of the gradient
    floating[::1] v,                  # OUT  (n,), the mean of its square
    floating[::1] largest,            # OUT  (n,), the largest v so far; None without amsgrad
    double sign,
    double decay,
    double shrink,
    double beta1,
    double beta2,
    double rate,
    double root,
    double eps,
):
    """p = shrink * p - rate * m / (sqrt(v) / root + eps), with g = sign * grad + decay * p and::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
    """
    cdef Py_ssize_t i, n = p.shape[0]
    cdef bint amsgrad = largest is not None
    for i in prange(
        (n + BLOCK - 1) // BLOCK, nogil=True, schedule="static", num_threads=team(200.0 * n)
    ):
        adam_block(
            &p[i * BLOCK], &grad[i * BLOCK], &m[i * BLOCK], &v[i * BLOCK],
            &largest[i * BLOCK] if amsgrad else NULL, min(<Py_ssize_t>BLOCK, n - i * BLOCK),
            <floating>sign, <floating>decay, <floating>shrink, <floating>(1 - beta1),
            <floating>beta2, <floating>(1 - beta2), <floating>rate, <floating>root, <floating>eps,
        )


cdef inline void adam_block(
    floating* p, const floating* grad, floating* m, floating* v, floating* largest, Py_ssize_t n,
    floating sign, floating decay, floating shrink, floating new1, floating beta2, floating new2,
    floating rate, floating root, floating eps,
) noexcept nogil:
    """A block of ``adam_step``, small enough to stay in the cache from loop to loop."""
    cdef Py_ssize_t i
    cdef floating g, penalty
    cdef const floating* top = v
    for i in range(n):
        g = sign * grad[i]
        penalty = g + decay * p[i]
        g = penalty if decay != 0 else g  # 0 * inf is nan
        p[i] = p[i] * shrink
        m[i] += new1 * (g - m[i])
        v[i] = beta2 * v[i] + new2 * g * g
    if largest != NULL:
        # as np.maximum: a nan on either side is what remains
        for i in range(n):
            g = largest[i]
            penalty = v[i]
            largest[i] = g if (g >= penalty) | (g != g) else penalty
        top = largest
    for i in range(n):
        p[i] -= rate * (m[i] / (root_of(top[i]) / root + eps))


cdef inline floating root_of(floating x) noexcept nogil:
    if floating is float:
        return sqrtf(x)
    else:
        return sqrt(x)


def sgd_step(
    floating[::1] p,                  # OUT  (n,), the parameter
    const floating[::1] grad,         # IN   (n,)
    floating[::1] buffer,             # OUT  (n,), the momentum; None without
    double sign,
    double decay,
    double momentum,
    double new,
    double rate,
    bint nesterov,
):
    """p = p - rate * buffer, with g = sign * grad + decay * p and::

        buffer = momentum * buffer + new * g

    Without a buffer the step goes along g; with Nesterov's momentum, along g + momentum * buffer.
    """
    cdef Py_ssize_t i, n = p.shape[0]
    cdef bint moves = buffer is not None
    for i in prange(
        (n + BLOCK - 1) // BLOCK, nogil=True, schedule="static", num_threads=team(50.0 * n)
    ):
        sgd_block(
            &p[i * BLOCK], &grad[i * BLOCK], &buffer[i * BLOCK] if moves else NULL,
            min(<Py_ssize_t>BLOCK, n - i * BLOCK), <floating>sign, <floating>decay,
            <floating>momentum, <floating>new, <floating>rate, nesterov,
        )


cdef inline void sgd_block(
    floating* p, const floating* grad, floating* buffer, Py_ssize_t n, floating sign,
    floating decay, floating momentum, floating new, floating rate, bint nesterov,
) noexcept nogil:
    """A block of ``sgd_step``."""
    cdef Py_ssize_t i
    cdef floating g, other
    for i in range(n):
        g = sign * grad[i]
        other = g + decay * p[i]
        g = other if decay != 0 else g  # 0 * inf is nan
        if buffer != NULL:
            buffer[i] = momentum * buffer[i] + new * g
            other = g + momentum * buffer[i]
            g = other if nesterov else buffer[i]
        p[i] -= rate * g
