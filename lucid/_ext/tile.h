/* The innermost loops, for one type of number and one width of register.

   level.h includes this file once for each pair of them, with these names defined:

     T         float or double               NAME(x)  x with the type and the level in its name
     BYTES     the size of a register        VECTOR   the type of what one holds
     TARGET    the instruction set, for the compiler
     ROWS      the rows of a tile            VECS     the registers in each row
     DOT_ROWS  the rows of a tile of dot     DOT_COLS its columns

   There are two loops. Both keep a tile of sums in registers while its products are added, because
   loading numbers is what takes the time: a tile of ROWS x VECS registers loads ROWS + VECS
   registers' worth of numbers for ROWS * VECS multiplications.

     multiply   out[i][j] = start[i] + sum over m of a[row[i] + m] * b[col[m] + j]
     dot        out[i][j] += sum over s and t of
                                 a[row[i] + s * a_jump + t] * b[col[j] + s * b_jump + t]

   multiply runs along j, dot along t: in both, what a register holds lies side by side in memory.
*/

#define LANES ((ptrdiff_t)(BYTES / sizeof(T)))
#define VEC NAME(vec)

typedef VECTOR(T) VEC;

/* to[0 .. n-1] = from[0 .. n-1] for n < LANES, by at most one move of each size. */
TARGET INLINE void NAME(copy_part)(T *to, const T *from, ptrdiff_t n)
{
#define MOVE(size)                                                                                 \
    if (LANES > size && n & size) {                                                                \
        memcpy(to, from, size * sizeof(T));                                                        \
        to += size, from += size;                                                                  \
    }
    MOVE(8) MOVE(4) MOVE(2) MOVE(1)
#undef MOVE
}

/* The last register of each row of a tile, of which only n < LANES columns exist. */
TARGET NOINLINE void NAME(store_last)(
    int rows, const VEC *sums, T *out, ptrdiff_t out_row, ptrdiff_t n, const T *start)
{
    for (int i = 0; i < rows; i++, out += out_row) {
        VEC sum[2]; /* twice: so the compiler sees that no move leaves it */
        sum[0] = (VEC){0};
        if (start)
            sum[0] += start[i];
        else
            NAME(copy_part)((T *)sum, out, n);
        sum[0] += sums[i];
        NAME(copy_part)(out, (const T *)sum, n);
    }
}

/* One tile of `multiply`. rows and vecs are constants where this is inlined: the loops over them
   unroll, and each of the sums gets a register of its own. */
TARGET INLINE void NAME(tile)(
    const int rows, const int vecs, const T *a, const ptrdiff_t *row,
    const T *b, const ptrdiff_t *col, ptrdiff_t count,
    T *out, ptrdiff_t out_row, ptrdiff_t columns, const T *start)
{
    VEC sums[ROWS][2 * VECS];
    const T *a_row[ROWS];
    UNROLL for (int i = 0; i < rows; i++) {
        a_row[i] = a + row[i];
        KEEP_IN_REGISTER(a_row[i]);
        UNROLL for (int j = 0; j < vecs; j++)
            sums[i][j] = (VEC){0};
    }
    for (ptrdiff_t m = 0; m < count; m++) {
        const VEC *b_m = (const VEC *)(b + col[m]);
        KEEP_IN_REGISTER(b_m);
        VEC b_vec[2 * VECS];
        UNROLL for (int j = 0; j < vecs; j++)
            b_vec[j] = b_m[j];
        UNROLL for (int i = 0; i < rows; i++) {
            VEC factor = a_row[i][m] - (VEC){0};
            UNROLL for (int j = 0; j < vecs; j++) {
                sums[i][j] += factor * b_vec[j];
                KEEP_SUM(sums[i][j]);
            }
            STILL_NEEDED(factor);
        }
        UNROLL for (int j = 0; j < vecs; j++)
            STILL_NEEDED(b_vec[j]);
    }
    VEC last[ROWS]; /* only the last register of a row can reach beyond the last column */
    const int whole = columns >= vecs * LANES;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vecs; j++) {
            VEC *to = (VEC *)(out + i * out_row + j * LANES);
            if (j < vecs - 1 || whole)
                *to = start ? sums[i][j] + start[i] : sums[i][j] + *to;
            else
                last[i] = sums[i][j];
        }
    if (!whole)
        NAME(store_last)(rows, last, out + (vecs - 1) * LANES, out_row,
                         columns - (vecs - 1) * LANES, start);
}

/* Every size of tile is a function of its own: so each has all registers for itself. */
#define DEFINE_TILE(rows, vecs)                                                                    \
    TARGET NOINLINE void NAME(tile_##rows##_##vecs)(                                               \
        const T *a, const ptrdiff_t *row, const T *b, const ptrdiff_t *col, ptrdiff_t count,       \
        T *out, ptrdiff_t out_row, ptrdiff_t columns, const T *start)                              \
    {                                                                                              \
        NAME(tile)(rows, vecs, a, row, b, col, count, out, out_row, columns, start);      \
    }

#if VECS == 3
#define ALL_TILES(X)                                                                               \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2)                                \
    X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(1, 6) X(2, 6)
#else
#define ALL_TILES(X)                                                                               \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2)        \
    X(6, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(5, 3) X(6, 3) X(1, 4) X(2, 4) X(3, 4) X(4, 4)        \
    X(5, 4) X(6, 4) X(1, 8) X(2, 8)
#endif
ALL_TILES(DEFINE_TILE)

/* All tiles of rows x columns. Reads b up to the end of the last register that is begun. */
TARGET static void NAME(multiply)(
    const T *a, const ptrdiff_t *row, const T *b, const ptrdiff_t *col, ptrdiff_t count,
    T *out, ptrdiff_t out_row, ptrdiff_t rows, ptrdiff_t columns, const T *start)
{
#define CALL_TILE(rows, vecs)                                                                      \
    case 16 * rows + vecs:                                                                         \
        NAME(tile_##rows##_##vecs)(                                                                \
            a, row + i, b + t, col, count, out + i * out_row + t, out_row, columns - t,            \
            start ? start + i : start);                                                            \
        break;
    /* Tiles of one column after the other, as their part of b then stays in the first cache. But
       with few products for each sum it is `out` that takes the time, and is better passed
       through row by row. */
    const int by_rows = count <= 32;
    const ptrdiff_t vecs = (columns + LANES - 1) / LANES;
    ptrdiff_t i = 0, v = 0;
    while (i < rows && v < vecs) {
        ptrdiff_t t = v * LANES;
        /* one or two rows leave registers for twice the columns */
        ptrdiff_t wide = rows <= 2 && vecs - v >= 2 * VECS ? 2 * VECS : share(vecs - v, VECS);
        ptrdiff_t high = share(rows - i, ROWS);
        switch (16 * high + wide) {
            ALL_TILES(CALL_TILE)
        }
        if (by_rows) {
            v += wide;
            if (v == vecs)
                v = 0, i += high;
        } else {
            i += high;
            if (i == rows)
                i = 0, v += wide;
        }
    }
}
#undef DEFINE_TILE
#undef CALL_TILE
#undef ALL_TILES

/* Add finished sums to `out` in double precision. */
TARGET NOINLINE void NAME(put_away)(
    int rows, int cols, const T *sums, double *out, ptrdiff_t out_row)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++, sums += LANES) {
            double total = 0;
            for (ptrdiff_t lane = 0; lane < LANES; lane++)
                total += sums[lane];
            out[i * out_row + j] += total;
        }
}

/* The last n < LANES numbers of each row, followed by zeros: what lies behind them in memory may be
   infinite, and 0 * inf is nan. */
TARGET NOINLINE void NAME(ends)(
    int rows, const T *from, const ptrdiff_t *row, ptrdiff_t n, T *to)
{
    for (int i = 0; i < rows; i++, to += LANES)
        for (ptrdiff_t lane = 0; lane < LANES; lane++)
            to[lane] = lane < n ? from[row[i] + lane] : 0;
}

/* One tile of `dot`. A lane adds up at most BLOCK products before its sum is put away. */
TARGET INLINE void NAME(dot_tile)(
    const int rows, const int cols, const T *a, const ptrdiff_t *row, ptrdiff_t a_jump,
    const T *b, const ptrdiff_t *col, ptrdiff_t b_jump, ptrdiff_t segments, ptrdiff_t count,
    double *out, ptrdiff_t out_row)
{
#define ADD_PRODUCTS(A, B)                                                                         \
    UNROLL for (int i = 0; i < rows; i++)                                                          \
        a_vec[i] = *(const VEC *)(A);                                                              \
    UNROLL for (int j = 0; j < cols; j++) {                                                        \
        VEC b_vec = *(const VEC *)(B);                                                             \
        UNROLL for (int i = 0; i < rows; i++)                                                      \
            sums[i][j] += a_vec[i] * b_vec;                                                        \
    }
#define PUT_AWAY                                                                                   \
    UNROLL for (int i = 0; i < rows; i++)                                                          \
        UNROLL for (int j = 0; j < cols; j++) {                                                    \
            copy[i * cols + j] = sums[i][j];                                                       \
            sums[i][j] = (VEC){0};                                                                 \
        }                                                                                          \
    NAME(put_away)(rows, cols, (const T *)copy, out, out_row);
    VEC sums[DOT_ROWS][2 * DOT_COLS], copy[DOT_ROWS * 2 * DOT_COLS];
    VEC a_vec[DOT_ROWS], a_end[DOT_ROWS], b_end[2 * DOT_COLS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < cols; j++)
            sums[i][j] = (VEC){0};
    ptrdiff_t room = BLOCK;
    for (ptrdiff_t s = 0; s < segments; s++, a += a_jump, b += b_jump)
        for (ptrdiff_t t = 0, stop; t < count; t = stop) {
            stop = count - t < BLOCK * LANES ? count : t + BLOCK * LANES;
            ptrdiff_t more = (stop - t + LANES - 1) / LANES;
            if (more > room) {
                PUT_AWAY
                room = BLOCK;
            }
            room -= more;
            for (; t + LANES <= stop; t += LANES) {
                ADD_PRODUCTS(a + row[i] + t, b + col[j] + t)
            }
            if (t < stop) {
                NAME(ends)(rows, a + t, row, stop - t, (T *)a_end);
                NAME(ends)(cols, b + t, col, stop - t, (T *)b_end);
                ADD_PRODUCTS(&a_end[i], &b_end[j])
            }
        }
    PUT_AWAY
#undef PUT_AWAY
#undef ADD_PRODUCTS
}

#define DEFINE_TILE(rows, cols)                                                                    \
    TARGET NOINLINE void NAME(dot_##rows##_##cols)(                                                \
        const T *a, const ptrdiff_t *row, ptrdiff_t a_jump, const T *b, const ptrdiff_t *col,      \
        ptrdiff_t b_jump, ptrdiff_t segments, ptrdiff_t count, double *out, ptrdiff_t out_row)     \
    {                                                                                              \
        NAME(dot_tile)(                                                                            \
            rows, cols, a, row, a_jump, b, col, b_jump, segments, count, out, out_row);            \
    }
#if DOT_ROWS == 2
#define ALL_TILES(X)                                                                               \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4)
#else
#define ALL_TILES(X)                                                                               \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4)                        \
    X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(4, 1) X(4, 2) X(4, 3) X(4, 4)
#endif
ALL_TILES(DEFINE_TILE)

/* All tiles of rows x cols. */
TARGET static void NAME(dot)(
    const T *a, const ptrdiff_t *row, ptrdiff_t a_jump, const T *b, const ptrdiff_t *col,
    ptrdiff_t b_jump, ptrdiff_t segments, ptrdiff_t count, double *out, ptrdiff_t out_row,
    ptrdiff_t rows, ptrdiff_t cols)
{
#define CALL_TILE(rows, cols)                                                                      \
    case 16 * rows + cols:                                                                         \
        NAME(dot_##rows##_##cols)(                                                                 \
            a, row + i, a_jump, b, col + j, b_jump, segments, count, out + i * out_row + j,        \
            out_row);                                                                              \
        break;
    for (ptrdiff_t i = 0, high; i < rows; i += high) {
        high = share(rows - i, DOT_ROWS);
        for (ptrdiff_t j = 0, wide; j < cols; j += wide) {
            wide = rows == 1 && cols - j >= 2 * DOT_COLS ? 2 * DOT_COLS : share(cols - j, DOT_COLS);
            switch (16 * high + wide) {
                ALL_TILES(CALL_TILE)
            }
        }
    }
}
#undef DEFINE_TILE
#undef CALL_TILE
#undef ALL_TILES

/* out[i * out_row + q] = a[q * many + i]: numbers side by side are dealt to rows, like cards. The
   compiler vectorizes it for a number of rows that it knows. */
TARGET static void NAME(deal)(
    const T *RESTRICT a, ptrdiff_t many, ptrdiff_t count, T *RESTRICT out, ptrdiff_t out_row)
{
#define FOR_MANY(BODY)                                                                             \
    switch (many) {                                                                                \
    case 2: BODY(2) break;                                                                         \
    case 3: BODY(3) break;                                                                         \
    case 4: BODY(4) break;                                                                         \
    case 5: BODY(5) break;                                                                         \
    case 8: BODY(8) break;                                                                         \
    default: BODY(many)                                                                            \
    }
#define DEAL(many)                                                                                 \
    for (ptrdiff_t q = 0; q < count; q++)                                                          \
        UNROLL for (ptrdiff_t i = 0; i < many; i++) out[i * out_row + q] = a[q * many + i];
    FOR_MANY(DEAL)
#undef DEAL
}

/* The way back: out[q * many + i] = a[i * a_row + q], or added to what is there. */
TARGET static void NAME(weave)(
    const T *RESTRICT a, ptrdiff_t a_row, ptrdiff_t many, ptrdiff_t count, T *RESTRICT out, int add)
{
#define WEAVE(many)                                                                                \
    for (ptrdiff_t q = 0; q < count; q++)                                                          \
        UNROLL for (ptrdiff_t i = 0; i < many; i++) out[q * many + i] = a[i * a_row + q];
#define ADD(many)                                                                                  \
    for (ptrdiff_t q = 0; q < count; q++)                                                          \
        UNROLL for (ptrdiff_t i = 0; i < many; i++) out[q * many + i] += a[i * a_row + q];
    if (add) {
        FOR_MANY(ADD)
    } else {
        FOR_MANY(WEAVE)
    }
#undef WEAVE
#undef ADD
#undef FOR_MANY
}

/* out[j * out_row + i] = a[i * a_row + j]: rows become columns. Four rows at a time are woven, because
   moving four numbers that lie side by side takes as long as moving one. */
TARGET static void NAME(turn)(
    const T *a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t columns, T *out, ptrdiff_t out_row)
{
    enum { SOME = 64 };
    T woven[4 * SOME];
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        /* Rows lie far apart: the processor does not see that the next ones will be wanted. */
        for (ptrdiff_t k = i + 4; k < i + 8 && k < rows; k++)
            for (ptrdiff_t j = 0; j < columns; j += 64 / sizeof(T))
                PREFETCH(a + k * a_row + j);
        for (ptrdiff_t j = 0, some; j < columns; j += some) {
            some = columns - j < SOME ? columns - j : SOME;
            NAME(weave)(a + i * a_row + j, a_row, 4, some, woven, 0);
            for (ptrdiff_t k = 0; k < some; k++)
                memcpy(out + (j + k) * out_row + i, woven + 4 * k, 4 * sizeof(T));
        }
    }
    for (; i < rows; i++)
        for (ptrdiff_t j = 0; j < columns; j++)
            out[j * out_row + i] = a[i * a_row + j];
}

/* Whether all of n numbers are finite: 0 * inf and 0 * nan are nan, and nan is not 0. */
TARGET static int NAME(finite)(const T *a, ptrdiff_t n)
{
    VEC zeros[4];
    T zero = 0;
    ptrdiff_t i = 0;
    UNROLL for (int j = 0; j < 4; j++)
        zeros[j] = (VEC){0};
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        UNROLL for (int j = 0; j < 4; j++)
            zeros[j] += *(const VEC *)(a + i + j * LANES) * 0;
    for (; i + LANES <= n; i += LANES)
        zeros[0] += *(const VEC *)(a + i) * 0;
    for (; i < n; i++)
        zero += a[i] * 0;
    zeros[0] += zeros[1] + zeros[2] + zeros[3];
    for (i = 0; i < LANES; i++)
        zero += ((const T *)zeros)[i];
    return zero == 0;
}

/* Nothing but multiply-adds on registers, 12 * LANES * count of them: the limit of this processor,
   which a convolution can come close to. */
TARGET static T NAME(burn)(ptrdiff_t count)
{
    VEC sums[12], half = (VEC){0} + (T)0.5;
    UNROLL for (int i = 0; i < 12; i++)
        sums[i] = (VEC){0} + (T)i;
    for (ptrdiff_t m = 0; m < count; m++)
        UNROLL for (int i = 0; i < 12; i++)
            sums[i] = sums[i] * half + half;
    for (int i = 1; i < 12; i++)
        sums[0] += sums[i];
    return ((const T *)sums)[0];
}

/* How many numbers a register holds. */
static ptrdiff_t NAME(lanes)(void)
{
    return LANES;
}

#undef LANES
#undef VEC
