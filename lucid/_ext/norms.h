/* Layer norm, group norm and RMS norm of one group of numbers: forward, and backward.

   A group is P rows of L numbers, and row p has the scale w[p] and the shift b[p]. In layer norm L
   is 1: then w and b lie beside the numbers. Included by level.h, after gates.h.

   Sums run in SUMS lanes side by side: four registers full, because each addition to the same one
   would have to wait for the one before it. Those of the forward are in double precision. Those of
   the backward are of gradients, times distances to the mean: a lane of T adds up BLOCK of them at
   most before it is put away in double precision.
*/

#define SUMS(type) (BYTES < 16 ? 4 : 4 * (int)(BYTES / sizeof(type)))

#define CLEAR(sums, many)                                                                          \
    for (int j = 0; j < many; j++)                                                                 \
        sums[j] = 0;
/* sums[0] = the sum of all */
#define GATHER(sums, many)                                                                         \
    for (int half = many / 2; half > 0; half /= 2)                                                 \
        for (int j = 0; j < half; j++)                                                             \
            sums[j] += sums[j + half];

/* sum of x[i] */
TARGET INLINE double NAME(sum)(const T *x, ptrdiff_t n)
{
    double sums[SUMS(double)];
    ptrdiff_t i = 0;
    CLEAR(sums, SUMS(double))
    for (; i + SUMS(double) <= n; i += SUMS(double))
        for (int j = 0; j < SUMS(double); j++)
            sums[j] += x[i + j];
    for (int j = 0; j < n - i; j++)
        sums[j] += x[i + j];
    GATHER(sums, SUMS(double))
    return sums[0];
}

/* sum of (x[i] - near)^2; in double precision no square is too large */
TARGET INLINE double NAME(sum_squares)(const T *x, T near, ptrdiff_t n)
{
    double sums[SUMS(double)], away;
    ptrdiff_t i = 0;
    CLEAR(sums, SUMS(double))
    for (; i + SUMS(double) <= n; i += SUMS(double))
        for (int j = 0; j < SUMS(double); j++)
            away = x[i + j] - near, sums[j] += away * away;
    for (int j = 0; j < n - i; j++)
        away = x[i + j] - near, sums[j] += away * away;
    GATHER(sums, SUMS(double))
    return sums[0];
}

/* total += sum of h, products += sum of h * (x[i] - near), with h = g[i] * w[i], or g[i] */
TARGET INLINE void NAME(sum_gradients)(
    const T *g, const T *w, const T *x, T near, ptrdiff_t n, double *total, double *products)
{
    for (ptrdiff_t i = 0, stop; i < n; i = stop) {
        T sums[SUMS(T)], more[SUMS(T)];
        stop = n - i < BLOCK * SUMS(T) ? n : i + BLOCK * SUMS(T);
        CLEAR(sums, SUMS(T))
        CLEAR(more, SUMS(T))
        for (; i + SUMS(T) <= stop; i += SUMS(T))
            for (int j = 0; j < SUMS(T); j++) {
                T h = w ? g[i + j] * w[i + j] : g[i + j];
                sums[j] += h, more[j] += h * (x[i + j] - near);
            }
        for (int j = 0; j < stop - i; j++) {
            T h = w ? g[i + j] * w[i + j] : g[i + j];
            sums[j] += h, more[j] += h * (x[i + j] - near);
        }
        GATHER(sums, SUMS(T))
        GATHER(more, SUMS(T))
        *total += sums[0], *products += more[0];
    }
}

/* What the twin group_norm_forward does, for one group. */
TARGET static void NAME(group_forward)(
    const T *RESTRICT x, const T *RESTRICT w, const T *RESTRICT b, double *mean, double *var,
    T *RESTRICT y, ptrdiff_t P, ptrdiff_t L, double eps, int centered)
{
    ptrdiff_t n = P * L;
    /* mean = x.mean(); x - near is exact to the last digit where x is close to the mean, and what
       the rounding of the mean leaves behind is put right: (x - near)^2 is larger by left^2 */
    *mean = centered ? NAME(sum)(x, n) / n : 0;
    T near = (T)*mean;
    double left = near - *mean;
    /* var = ((x - mean)**2).mean() */
    double v = NAME(sum_squares)(x, near, n) / n - left * left;
    *var = v < 0 ? 0 : v;
    /* y = (x - mean) / sqrt(var + eps) * w + b */
    double scale = 1 / sqrt(*var + eps);
    if (L == 1) {
        T by = (T)scale, add = (T)(left * scale);
        INDEPENDENT for (ptrdiff_t i = 0; i < P; i++)
            y[i] = ((x[i] - near) * by + add) * w[i] + b[i];
        return;
    }
    for (ptrdiff_t p = 0; p < P; p++, x += L, y += L) {
        T by = (T)(scale * w[p]), add = (T)(left * scale * w[p] + b[p]);
        INDEPENDENT for (ptrdiff_t i = 0; i < L; i++)
            y[i] = (x[i] - near) * by + add;
    }
}

/* What the twin group_norm_backward does, for one group: gx, and what it adds to gw and gb. */
TARGET static void NAME(group_backward)(
    const T *RESTRICT g, const T *RESTRICT x, const T *RESTRICT w, double mean, double var,
    T *RESTRICT gx, T *RESTRICT gw, T *RESTRICT gb, ptrdiff_t P, ptrdiff_t L, double eps,
    int centered)
{
    double n = (double)P * L, total = 0, products = 0, scale = 1 / sqrt(var + eps);
    T near = (T)mean;
    double left = near - mean;
    /* total, products = (g * w).sum(), (g * w * (x - near)).sum() */
    if (L == 1) {
        NAME(sum_gradients)(g, w, x, near, P, &total, &products);
    } else {
        for (ptrdiff_t p = 0; p < P; p++) {
            double row = 0, row_products = 0;
            NAME(sum_gradients)(g + p * L, NULL, x + p * L, near, L, &row, &row_products);
            gb[p] += (T)row, gw[p] += (T)((row_products + left * row) * scale);
            total += row * w[p], products += row_products * w[p];
        }
    }
    /* gx = (h - middle - z * product) * scale, with h = g * w and z = (x - mean) * scale, where
       middle is the mean of h and product that of h * z; and gw += g * z, gb += g */
    T middle = (T)(centered ? total / n : 0), product = (T)((products + left * total) * scale / n);
    T by = (T)scale, rest = (T)(left * scale);
    if (L == 1) {
        INDEPENDENT for (ptrdiff_t i = 0; i < P; i++) {
            T z = (x[i] - near) * by + rest;
            gx[i] = (g[i] * w[i] - middle - z * product) * by;
            gw[i] += g[i] * z;
            gb[i] += g[i];
        }
        return;
    }
    for (ptrdiff_t p = 0; p < P; p++, g += L, x += L, gx += L) {
        T scale_p = w[p];
        INDEPENDENT for (ptrdiff_t i = 0; i < L; i++)
            gx[i] = (g[i] * scale_p - middle - ((x[i] - near) * by + rest) * product) * by;
    }
}

#undef SUMS
#undef CLEAR
#undef GATHER
