/* Smooth activations and their slopes, number by number, with one e^ and one division each.

   Included by level.h after gates.h, whose e^ they use. All are written in e = e^-|z|, which cannot
   overflow, and each side of 0 has a form of its own, in which nothing cancels. Both are worked out
   and one is taken: without a branch the compiler keeps many numbers in a register.

   Far left an activation is a number times a small e. E = 2^UP * e keeps all digits where e itself
   would be too small for them; it is multiplied by DOWN = 2^-UP last.
*/

#define UP (sizeof(T) == 4 ? 40 : 80)
#define DOWN (T)(sizeof(T) == 4 ? 1 / 1099511627776. : 1 / 1099511627776. / 1099511627776.)
#define ABS(x) (T) fabs(x)

/* 2^UP * e^(y - tail) for y <= 0; 0 where even 1000 times e^y is. */
TARGET INLINE T NAME(raised_exp)(T y, T tail)
{
    const T least = sizeof(T) == 4 ? -111 : -753;
    T power, rest;
    NAME(split_raised)(y, tail, least, UP, &power, &rest);
    return y < least ? 0 : power + power * rest;
}

/* The same of a y <= 0 in double precision: with large |y|, its rounding to a float would show. */
TARGET INLINE T NAME(raised_exp_of)(double y)
{
    T near = (T)y;
    return NAME(raised_exp)(near, (T)(near - y));
}

/* log(1 + u) for 0 <= u <= 1, which is 2 * (s + s^3 / 3 + s^5 / 5 + ...) with s = u / (u + 2).

   Above 0.4 it is log 2 + log(1 + (u - 1) / 2) instead: |s| stays below 0.18, the series short. */
TARGET INLINE T NAME(log_1p)(T u)
{
    const int single = sizeof(T) == 4, large = u > (T)0.4;
    T s = (large ? u - 1 : u) / (large ? u + 3 : u + 2);
    T q = s * s, series;
    if (single) {
        series = (T)(2 / 9.);
    } else {
        series = (T)(2 / 21.);
        series = series * q + (T)(2 / 19.);
        series = series * q + (T)(2 / 17.);
        series = series * q + (T)(2 / 15.);
        series = series * q + (T)(2 / 13.);
        series = series * q + (T)(2 / 11.);
        series = series * q + (T)(2 / 9.);
    }
    series = series * q + (T)(2 / 7.);
    series = series * q + (T)(2 / 5.);
    series = series * q + (T)(2 / 3.);
    T log = series * q * s + 2 * s;
    log = large ? log + (T)0.6931471805599453 : log;
    return u < (T)1e-30 ? u : log; /* half of the smallest number would be 0 */
}

/* x / (1 + e^-x) */
TARGET INLINE T NAME(silu)(T x)
{
    T E = NAME(raised_exp)(-ABS(x), 0), e = E * DOWN;
    return (x < 0 ? x * E * DOWN : x) / (1 + e);
}

/* s + x * s * (1 - s) with s = 1 / (1 + e^-x), one of s and 1 - s being e / (1 + e) */
TARGET INLINE T NAME(silu_slope)(T x)
{
    T E = NAME(raised_exp)(-ABS(x), 0), e = E * DOWN;
    T top = x < 0 ? (E * (1 + e) + E * x) * DOWN : 1 + e + e * x;
    return top / ((1 + e) * (1 + e));
}

/* x * tanh(log(1 + e^x)), and tanh(log v) is (v^2 - 1) / (v^2 + 1) */
TARGET INLINE T NAME(mish)(T x)
{
    T E = NAME(raised_exp)(-ABS(x), 0), e = E * DOWN;
    T top = x < 0 ? x * E * (e + 2) * DOWN : x * (1 + 2 * e);
    return top / (x < 0 ? e * (e + 2) + 2 : 1 + 2 * e + 2 * e * e);
}

/* w + x * (1 - w^2) * s with w = tanh(log(1 + e^x)) and s = 1 / (1 + e^-x) */
TARGET INLINE T NAME(mish_slope)(T x)
{
    T E = NAME(raised_exp)(-ABS(x), 0), e = E * DOWN;
    T bottom = x < 0 ? e * (e + 2) + 2 : 1 + 2 * e + 2 * e * e;
    T left = (E * (e + 2) * bottom + 4 * E * (1 + e) * x) * DOWN;
    T right = (1 + 2 * e) * bottom + 4 * e * e * (1 + e) * x;
    return (x < 0 ? left : right) / (bottom * bottom);
}

/* log(1 + e^z) / beta with z = beta * x, and x where z > threshold */
TARGET INLINE T NAME(softplus)(T x, T beta, T per_beta, T threshold)
{
    T z = beta * x, e = NAME(raised_exp)(-ABS(z), 0) * DOWN;
    T soft = ((z > 0 ? z : 0) + NAME(log_1p)(e)) * per_beta;
    return z > threshold ? x : soft;
}

TARGET INLINE T NAME(softplus_slope)(T x, T beta, T threshold)
{
    T z = beta * x, e = NAME(raised_exp)(-ABS(z), 0) * DOWN;
    T slope = (z < 0 ? e : 1) / (1 + e);
    return z > threshold ? 1 : slope;
}

/* -log(1 + e^-x) */
TARGET INLINE T NAME(log_sigmoid)(T x)
{
    T e = NAME(raised_exp)(-ABS(x), 0) * DOWN;
    return (x < 0 ? x : 0) - NAME(log_1p)(e);
}

TARGET INLINE T NAME(log_sigmoid_slope)(T x)
{
    T e = NAME(raised_exp)(-ABS(x), 0) * DOWN;
    return (x > 0 ? e : 1) / (1 + e);
}

/* scale * x where x >= 0, else left * (e^(rate * x) - 1); as in tanh, the 1 cancels first */
TARGET INLINE T NAME(elu)(T x, T left, T rate, T scale)
{
    T y = rate * x, power, rest;
    NAME(split_exp)(y > 0 ? 0 : y, &power, &rest);
    return x >= 0 ? scale * x : left * (power * rest + (power - 1));
}

/* scale where x > 0, else left * rate * e^(rate * x) */
TARGET INLINE T NAME(elu_slope)(T x, T left, T rate, T scale)
{
    T y = rate * x, E = NAME(raised_exp)(y > 0 ? 0 : y, 0);
    return x > 0 ? scale : left * rate * E * DOWN;
}

/* 2^UP * e^-|z| with z = 2 sqrt(2 / pi) * (x + 0.044715 x^3) */
TARGET INLINE T NAME(raised_exp_of_cubic)(T x)
{
    double a = ABS(x);
    return NAME(raised_exp_of)(-1.5957691216057308 * a * (1 + 0.044715 * a * a));
}

/* x / (1 + e^-z) */
TARGET INLINE T NAME(gelu_tanh)(T x)
{
    T E = NAME(raised_exp_of_cubic)(x), e = E * DOWN;
    return (x < 0 ? x * E * DOWN : x) / (1 + e);
}

/* s + x * s * (1 - s) * dz/dx with s = 1 / (1 + e^-z), as for silu */
TARGET INLINE T NAME(gelu_tanh_slope)(T x)
{
    T E = NAME(raised_exp_of_cubic)(x), e = E * DOWN;
    T a = ABS(x) > 40 ? 40 : ABS(x); /* beyond, e is 0, and dz/dx must not be infinite */
    T dz = (T)1.5957691216057308 + (T)(1.5957691216057308 * 3 * 0.044715) * a * a;
    T top = x < 0 ? (E * (1 + e) + E * dz * x) * DOWN : 1 + e + e * dz * x;
    return top / ((1 + e) * (1 + e));
}

/* 2^UP * e^(-a^2 / 2) for 0 <= a <= 40.

   a^2 has twice the digits of a, and with a large one, those that are rounded away would show. So
   a is split into `near`, which has few enough digits for its square to be exact, and the rest:
   adding a large number leaves no more of them. Then a^2 = near^2 + (a - near) * (a + near). */
TARGET INLINE T NAME(raised_bell)(T a)
{
    const T large = sizeof(T) == 4 ? 98304 : 6442450944;
    T near = (a + large) - large;
    return NAME(raised_exp)((T)-0.5 * near * near, (T)0.5 * (a - near) * (a + near));
}

/* 2^UP * P(-|x|), and E = 2^UP * e^(-x^2 / 2): see lucid/ops/normal.py, which has the polynomial */
TARGET INLINE T NAME(normal_tail)(T x, const T *powers, T *E)
{
    T a = ABS(x) > 40 ? 40 : ABS(x), t = (a - 4) / (a + 4), h = powers[0];
    UNROLL_ALL for (int i = 1; i < (sizeof(T) == 4 ? 11 : 24); i++)
        h = h * t + powers[i];
    *E = NAME(raised_bell)(a);
    return *E * h * (T)0.5;
}

/* x * P(x) */
TARGET INLINE T NAME(gelu)(T x, const T *powers)
{
    T E, tail = NAME(normal_tail)(x, powers, &E);
    return x > 0 ? x * (1 - tail * DOWN) : x * tail * DOWN;
}

/* P(x) + x * e^(-x^2 / 2) / sqrt(2 pi) */
TARGET INLINE T NAME(gelu_slope)(T x, const T *powers)
{
    T E, tail = NAME(normal_tail)(x, powers, &E), density = E * (T)0.3989422804014327;
    return x > 0 ? 1 - tail * DOWN + x * density * DOWN : (tail + x * density) * DOWN;
}

/* y[i] = f(x[i]) for the activation f that `kind` names, with its options o: see activations.pyx */
TARGET static void NAME(activate)(
    int kind, const T *RESTRICT x, const T *RESTRICT o, T *RESTRICT y, ptrdiff_t n)
{
#define EACH(f)                                                                                    \
    INDEPENDENT for (ptrdiff_t i = 0; i < n; i++)                                                  \
        y[i] = f;
    if (kind == GELU) {
        EACH(NAME(gelu)(x[i], o))
    } else if (kind == GELU_TANH) {
        EACH(NAME(gelu_tanh)(x[i]))
    } else if (kind == SILU) {
        EACH(NAME(silu)(x[i]))
    } else if (kind == MISH) {
        EACH(NAME(mish)(x[i]))
    } else if (kind == SOFTPLUS) {
        EACH(NAME(softplus)(x[i], o[0], 1 / o[0], o[1]))
    } else if (kind == LOG_SIGMOID) {
        EACH(NAME(log_sigmoid)(x[i]))
    } else {
        EACH(NAME(elu)(x[i], o[0], o[1], o[2]))
    }
}

/* gx[i] = g[i] * f'(x[i]) */
TARGET static void NAME(slopes)(
    int kind, const T *RESTRICT g, const T *RESTRICT x, const T *RESTRICT o, T *RESTRICT y,
    ptrdiff_t n)
{
    if (kind == GELU) {
        EACH(g[i] * NAME(gelu_slope)(x[i], o))
    } else if (kind == GELU_TANH) {
        EACH(g[i] * NAME(gelu_tanh_slope)(x[i]))
    } else if (kind == SILU) {
        EACH(g[i] * NAME(silu_slope)(x[i]))
    } else if (kind == MISH) {
        EACH(g[i] * NAME(mish_slope)(x[i]))
    } else if (kind == SOFTPLUS) {
        EACH(g[i] * NAME(softplus_slope)(x[i], o[0], o[1]))
    } else if (kind == LOG_SIGMOID) {
        EACH(g[i] * NAME(log_sigmoid_slope)(x[i]))
    } else {
        EACH(g[i] * NAME(elu_slope)(x[i], o[0], o[1], o[2]))
    }
}

/* y = t * log(1 + e^-x) + (1 - t) * log(1 + e^x), and log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
TARGET static void NAME(logit_loss)(
    const T *RESTRICT x, const T *RESTRICT t, T *RESTRICT y, ptrdiff_t n)
{
    INDEPENDENT for (ptrdiff_t i = 0; i < n; i++) {
        T log = NAME(log_1p)(NAME(raised_exp)(-ABS(x[i]), 0) * DOWN);
        y[i] = t[i] * ((x[i] < 0 ? -x[i] : 0) + log) + (1 - t[i]) * ((x[i] > 0 ? x[i] : 0) + log);
    }
}

/* gx = g * ((1 - t) * s(x) - t * s(-x)) with s(x) = 1 / (1 + e^-x) */
TARGET static void NAME(logit_loss_slope)(
    const T *RESTRICT g, const T *RESTRICT x, const T *RESTRICT t, T *RESTRICT y, ptrdiff_t n)
{
    INDEPENDENT for (ptrdiff_t i = 0; i < n; i++) {
        T e = NAME(raised_exp)(-ABS(x[i]), 0) * DOWN;
        T top = (1 - t[i]) * (x[i] < 0 ? e : 1) - t[i] * (x[i] < 0 ? 1 : e);
        y[i] = g[i] * (top / (1 + e));
    }
}

#undef EACH
#undef ABS
#undef UP
#undef DOWN
