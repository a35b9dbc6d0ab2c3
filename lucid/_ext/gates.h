/* One step of a recurrent layer after its matrix product: gates, and the new state.

   Included by level.h as tile.h is, for each type of number and each level of SIMD. The loops are
   plain C, which the compiler turns into its registers; for that, sigmoid and tanh are written out
   without a call or a branch.
*/

/* e^(y - tail) = power * (1 + rest) / 2^up for y <= 0: with k from y = k * log 2 + r, power is
   2^(k + up) and rest is e^(r - tail) - 1.

   The series of rest ends where it is exact to the last digit, as |r| <= 0.35; the tail is what y
   was rounded by, and small. Adding a large number rounds k to a whole one, and leaves it in the
   last bits, from where a shift moves it to the exponent. Below `least` the power would leave the
   range of T. */
TARGET INLINE void NAME(split_raised)(T y, T tail, T least, int up, T *power, T *rest)
{
    const int single = sizeof(T) == 4;
    const T large = single ? 12582912 : 6755399441055744;
    y = y < least ? least : y; /* nan stays nan */
    T shifted = y * (T)1.4426950408889634 + large;
    T k = shifted - large;
    T r = single ? (y - k * (T)0.693359375) + k * (T)2.12194440e-4
                 : (y - k * (T)6.93147180369123816490e-01) - k * (T)1.90821492927058770002e-10;
    r -= tail;
    T series;
    if (single) {
        series = (T)(1 / 5040.);
    } else {
        series = (T)(1 / 6227020800.);
        series = series * r + (T)(1 / 479001600.);
        series = series * r + (T)(1 / 39916800.);
        series = series * r + (T)(1 / 3628800.);
        series = series * r + (T)(1 / 362880.);
        series = series * r + (T)(1 / 40320.);
        series = series * r + (T)(1 / 5040.);
    }
    series = series * r + (T)(1 / 720.);
    series = series * r + (T)(1 / 120.);
    series = series * r + (T)(1 / 24.);
    series = series * r + (T)(1 / 6.);
    series = series * r + (T)0.5;
    *rest = series * r * r + r;
    if (single) {
        uint32_t bits;
        memcpy(&bits, &shifted, 4);
        bits = (bits << 23) + 0x3f800000u + ((uint32_t)up << 23);
        memcpy(power, &bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof(T));
        bits = (bits << 52) + 0x3ff0000000000000u + ((uint64_t)up << 52);
        memcpy(power, &bits, sizeof(T));
    }
}

/* The same for an exact y, where a power below the range of T is not needed. */
TARGET INLINE void NAME(split_exp)(T y, T *power, T *rest)
{
    NAME(split_raised)(y, 0, sizeof(T) == 4 ? -87 : -708, 0, power, rest);
}

/* 1 / (1 + e^-x), as e^x / (1 + e^x) for negative x: so e^-|x| is all that is needed */
TARGET INLINE T NAME(sigmoid)(T x)
{
    T power, rest, least = sizeof(T) == 4 ? -87 : -708;
    NAME(split_exp)(x < 0 ? x : -x, &power, &rest);
    T e = power + power * rest;
    return (x < least ? 0 : x < 0 ? e : 1) / (1 + e);
}

/* (1 - e^-2x) / (1 + e^-2x); near 0 the 1 must cancel before anything is rounded */
TARGET INLINE T NAME(tanh)(T x)
{
    T power, rest;
    NAME(split_exp)(x < 0 ? 2 * x : -2 * x, &power, &rest);
    T less = power * rest + (power - 1);
    return (x < 0 ? less : 0 - less) / (2 + less); /* (0 - 0 is 0, and -0 is not) */
}

/* y[i] = sigmoid(x[i]) and tanh(x[i]), for activations by themselves. */
TARGET static void NAME(sigmoids)(const T *x, T *y, ptrdiff_t n)
{
    INDEPENDENT for (ptrdiff_t i = 0; i < n; i++)
        y[i] = NAME(sigmoid)(x[i]);
}

TARGET static void NAME(tanhs)(const T *x, T *y, ptrdiff_t n)
{
    INDEPENDENT for (ptrdiff_t i = 0; i < n; i++)
        y[i] = NAME(tanh)(x[i]);
}

/* What the twin cell_forward does, for `rows` samples. */
TARGET static void NAME(cell_forward)(
    int kind, T *gates, const T *before, T *c, T *tanh_c, T *y, ptrdiff_t rows, ptrdiff_t H)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        if (kind == LSTM) {
            T *in = gates + row * 4 * H, *forget = in + H, *cell = in + 2 * H, *out = in + 3 * H;
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++) {
                T i = NAME(sigmoid)(in[j]), f = NAME(sigmoid)(forget[j]);
                T g = NAME(tanh)(cell[j]), o = NAME(sigmoid)(out[j]);
                T state = f * c[j] + i * g, squashed = NAME(tanh)(state);
                in[j] = i, forget[j] = f, cell[j] = g, out[j] = o;
                c[j] = state, tanh_c[j] = squashed, y[j] = o * squashed;
            }
            c += H, tanh_c += H;
        } else if (kind == GRU) {
            T *reset = gates + row * 4 * H, *keep = reset + H, *new = reset + 2 * H;
            const T *from_h = reset + 3 * H;
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++) {
                T r = NAME(sigmoid)(reset[j]), z = NAME(sigmoid)(keep[j]);
                T n = NAME(tanh)(new[j] + r * from_h[j]);
                reset[j] = r, keep[j] = z, new[j] = n;
                y[j] = (1 - z) * n + z * before[j];
            }
        } else if (kind == TANH) {
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++)
                y[j] = gates[row * H + j] = NAME(tanh)(gates[row * H + j]);
        } else {
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++)
                y[j] = gates[row * H + j] = gates[row * H + j] < 0 ? 0 : gates[row * H + j];
        }
        before += H, y += H;
    }
}

/* What the twin cell_backward does, for `rows` samples. */
TARGET static void NAME(cell_backward)(
    int kind, const T *gates, const T *before, const T *c_before, const T *tanh_c, T *gh, T *gc,
    T *gx, T *gu, ptrdiff_t rows, ptrdiff_t H)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        if (kind == LSTM) {
            const T *in = gates + row * 4 * H, *forget = in + H, *cell = in + 2 * H;
            const T *out = in + 3 * H;
            T *g_in = gx + row * 4 * H, *g_forget = g_in + H, *g_cell = g_in + 2 * H;
            T *g_out = g_in + 3 * H;
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++) {
                T i = in[j], f = forget[j], g = cell[j], o = out[j], squashed = tanh_c[j];
                T state = gc[j] + gh[j] * o * (1 - squashed * squashed);
                g_in[j] = state * g * i * (1 - i);
                g_forget[j] = state * c_before[j] * f * (1 - f);
                g_cell[j] = state * i * (1 - g * g);
                g_out[j] = gh[j] * squashed * o * (1 - o);
                gc[j] = state * f, gh[j] = 0;
            }
            c_before += H, tanh_c += H, gc += H;
        } else if (kind == GRU) {
            const T *reset = gates + row * 4 * H, *keep = reset + H, *new = reset + 2 * H;
            const T *from_h = reset + 3 * H;
            T *g_reset = gx + row * 3 * H, *g_keep = g_reset + H, *g_new = g_reset + 2 * H;
            T *u_reset = gu + row * 3 * H, *u_keep = u_reset + H, *u_new = u_reset + 2 * H;
            INDEPENDENT for (ptrdiff_t j = 0; j < H; j++) {
                T r = reset[j], z = keep[j], n = new[j], g = gh[j];
                T slope = g * (1 - z) * (1 - n * n);
                T to_r = slope * from_h[j] * r * (1 - r), to_z = g * (before[j] - n) * z * (1 - z);
                g_reset[j] = to_r, g_keep[j] = to_z, g_new[j] = slope;
                u_reset[j] = to_r, u_keep[j] = to_z, u_new[j] = slope * r;
                gh[j] = g * z;
            }
        } else {
            const T *y = gates + row * H;
            T *g = gx + row * H;
            if (kind == TANH) {
                INDEPENDENT for (ptrdiff_t j = 0; j < H; j++)
                    g[j] = gh[j] * (1 - y[j] * y[j]), gh[j] = 0;
            } else {
                INDEPENDENT for (ptrdiff_t j = 0; j < H; j++)
                    g[j] = y[j] <= 0 ? 0 : gh[j], gh[j] = 0;
            }
        }
        before += H, gh += H;
    }
}
