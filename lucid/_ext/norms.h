/* Layer norm, group norm and RMS norm of one group of numbers: forward, and backward.

   A group is P rows of L numbers, and row p has the scale w[p] and the shift b[p]. In layer norm L
   is 1: then w and b lie beside the numbers. Included by level.h, after gates.h.

   Sums are kept in double precision, SUMS of them side by side: four registers full, because each
   addition to the same one would have to wait for the one before it.
*/

#define SUMS (BYTES < 16 ? 4 : (int)BYTES / 2)

/* sum of f over i, where i runs from 0 to n - 1 */
#define ADD_UP(f)                                                                                  \
    double sums[SUMS];                                                                             \
    for (int j = 0; j < SUMS; j++)                                                                 \
        sums[j] = 0;                                                                               \
    ptrdiff_t start = 0;                                                                           \
    for (; start + SUMS <= n; start += SUMS)                                                       \
        for (int j = 0; j < SUMS; j++) {                                                           \
            ptrdiff_t i = start + j;                                                               \
            sums[j] += f;                                                                          \
        }                                                                                          \
    for (ptrdiff_t i = start; i < n; i++)                                                          \
        sums[i - start] += f;                                                                      \
    for (int half = SUMS / 2; half > 0; half /= 2)                                                 \
        for (int j = 0; j < half; j++)                                                             \
            sums[j] += sums[j + half];                                                             \
    return sums[0];

TARGET INLINE double NAME(sum)(const T *x, ptrdiff_t n)
{
    ADD_UP(x[i])
}

TARGET INLINE double NAME(sum_squares)(const T *x, double mean, ptrdiff_t n)
{
    ADD_UP((x[i] - mean) * (x[i] - mean))
}

TARGET INLINE double NAME(sum_products)(const T *g, const T *x, double mean, ptrdiff_t n)
{
    ADD_UP(g[i] * (x[i] - mean))
}

TARGET INLINE double NAME(sum_weighted)(const T *g, const T *w, ptrdiff_t n)
{
    ADD_UP(g[i] * w[i])
}

TARGET INLINE double NAME(sum_weighted_products)(
    const T *g, const T *w, const T *x, double mean, ptrdiff_t n)
{
    ADD_UP((g[i] * w[i]) * (x[i] - mean))
}

/* What the twin group_norm_forward does, for one group. */
TARGET static void NAME(group_forward)(
    const T *RESTRICT x, const T *RESTRICT w, const T *RESTRICT b, double *mean, double *per_std,
    T *RESTRICT y, ptrdiff_t P, ptrdiff_t L, double eps, int centered)
{
    ptrdiff_t n = P * L;
    /* mean = x.mean(), and per_std = 1 / sqrt(((x - mean)**2).mean() + eps) */
    double m = centered ? NAME(sum)(x, n) / n : 0;
    double scale = 1 / sqrt(NAME(sum_squares)(x, m, n) / n + eps);
    *mean = m, *per_std = scale;
    /* y = (x - mean) * per_std * w + b; x - near is exact to the last digit where x is close to the
       mean, and what the rounding of the mean leaves behind is added */
    T near = (T)m;
    double left = (near - m) * scale;
    if (L == 1) {
        T by = (T)scale, add = (T)left;
        INDEPENDENT for (ptrdiff_t i = 0; i < P; i++)
            y[i] = ((x[i] - near) * by + add) * w[i] + b[i];
        return;
    }
    for (ptrdiff_t p = 0; p < P; p++, x += L, y += L) {
        T by = (T)(scale * w[p]), add = (T)(left * w[p] + b[p]);
        INDEPENDENT for (ptrdiff_t i = 0; i < L; i++)
            y[i] = (x[i] - near) * by + add;
    }
}

/* What the twin group_norm_backward does, for one group: gx, and what it adds to gw and gb. */
TARGET static void NAME(group_backward)(
    const T *RESTRICT g, const T *RESTRICT x, const T *RESTRICT w, double mean, double per_std,
    T *RESTRICT gx, T *RESTRICT gw, T *RESTRICT gb, ptrdiff_t P, ptrdiff_t L, int centered)
{
    ptrdiff_t n = P * L;
    /* total, products = (g * w).sum(), (g * w * (x - mean)).sum() */
    double total = 0, products = 0;
    if (L == 1) {
        total = centered ? NAME(sum_weighted)(g, w, P) : 0;
        products = NAME(sum_weighted_products)(g, w, x, mean, P);
    } else {
        for (ptrdiff_t p = 0; p < P; p++) {
            double row = NAME(sum)(g + p * L, L);
            double row_products = NAME(sum_products)(g + p * L, x + p * L, mean, L);
            gb[p] += (T)row, gw[p] += (T)(row_products * per_std);
            total += row * w[p], products += row_products * w[p];
        }
    }
    /* gx = per_std * (g * w - total / n - z * (z * g * w).mean()), with z = (x - mean) * per_std */
    double slope = -per_std * per_std * per_std * products / n;
    double shift = centered ? -per_std * total / n : 0;
    T near = (T)mean, by = (T)per_std, tilt = (T)slope;
    T add = (T)(shift + (near - mean) * slope);
    if (L == 1) { /* and gw += g * z, gb += g */
        T left = (T)((near - mean) * per_std);
        INDEPENDENT for (ptrdiff_t i = 0; i < P; i++) {
            T away = x[i] - near;
            gx[i] = by * (g[i] * w[i]) + tilt * away + add;
            gw[i] += g[i] * (away * by + left);
            gb[i] += g[i];
        }
        return;
    }
    for (ptrdiff_t p = 0; p < P; p++, g += L, x += L, gx += L) {
        T by_w = (T)(per_std * w[p]);
        INDEPENDENT for (ptrdiff_t i = 0; i < L; i++)
            gx[i] = by_w * g[i] + tilt * (x[i] - near) + add;
    }
}

#undef ADD_UP
#undef SUMS
