/* The innermost loops: TILE_O x TILE_T sums that stay in registers while their products are added.

     tile_multiply   out[i][j] += sum over m of  a[i][m * step] * b[offset[m] + j]
     tile_dot        out[i]    += sum over t of  a[i][t] * b[t]

   In tile_multiply every number that is loaded is used more than once: one of a for TILE_T
   products, one of b for TILE_O. That is what makes it fast; loading is what takes the time.

   The sums are held in the vector types of GCC and Clang, 16 bytes wide, which every x86-64 and
   every ARM64 has; the compiler unrolls the loops over constants. Other compilers get vectors of
   one number. Kernels see float_tile_multiply, double_tile_multiply, and so on.
*/
#ifndef LUCID_TILE_H
#define LUCID_TILE_H

#include <stddef.h>

enum {
    TILE_O = 4,    /* rows of a tile */
    TILE_T = 8,    /* its columns */
    BLOCK = 256,   /* additions in a row before a sum is put away: long sums lose digits */
};

#if defined(__GNUC__)
#define LUCID_VECTOR(T) T __attribute__((vector_size(16), aligned(__alignof__(T)), may_alias))
#else
#define LUCID_VECTOR(T) T
#endif

/* What vectors of 16 bytes are called here. */
#if defined(__GNUC__) && defined(__SSE2__)
#define LUCID_SIMD "SSE2 (16 bytes)"
#elif defined(__GNUC__) && defined(__ARM_NEON)
#define LUCID_SIMD "NEON (16 bytes)"
#else
#define LUCID_SIMD "none"
#endif

#define DEFINE_TILE(T)                                                                            \
    typedef LUCID_VECTOR(T) T##_vec;                                                              \
    enum { T##_vecs = TILE_T * sizeof(T) / sizeof(T##_vec) };                                     \
                                                                                                  \
    /* Only rows x columns of the tile are stored, but all of a[] and b are read. */              \
    static inline void T##_tile_multiply(                                                         \
        const T *const *a, ptrdiff_t step, const T *b, const ptrdiff_t *offset, ptrdiff_t count,  \
        T *out, ptrdiff_t out_row, ptrdiff_t rows, ptrdiff_t columns)                             \
    {                                                                                             \
        for (ptrdiff_t start = 0; start < count; start += BLOCK) {                                \
            ptrdiff_t stop = count - start < BLOCK ? count : start + BLOCK;                       \
            T##_vec tile[TILE_O][T##_vecs] = {0};                                                 \
            for (ptrdiff_t m = start; m < stop; m++) {                                            \
                const T##_vec *b_m = (const T##_vec *)(b + offset[m]);                            \
                for (int i = 0; i < TILE_O; i++)                                                  \
                    for (int j = 0; j < T##_vecs; j++)                                            \
                        tile[i][j] += a[i][m * step] * b_m[j];                                    \
            }                                                                                     \
            const T *sums = (const T *)tile;                                                      \
            for (ptrdiff_t i = 0; i < rows; i++)                                                  \
                for (ptrdiff_t j = 0; j < columns; j++)                                           \
                    out[i * out_row + j] += sums[i * TILE_T + j];                                 \
        }                                                                                         \
    }                                                                                             \
                                                                                                  \
    /* One running sum would be slow (each addition waits for the last) and inexact. TILE_T sums  \
       side by side, added up in double precision after every BLOCK products, are neither.        */ \
    static inline void T##_tile_dot(                                                              \
        const T *const *a, const T *b, ptrdiff_t count, T *out, ptrdiff_t out_row,                \
        ptrdiff_t rows)                                                                           \
    {                                                                                             \
        double total[TILE_O] = {0};                                                               \
        for (ptrdiff_t start = 0; start < count; start += BLOCK) {                                \
            ptrdiff_t stop = count - start < BLOCK ? count : start + BLOCK, t = start;            \
            T##_vec tile[TILE_O][T##_vecs] = {0};                                                 \
            for (; t + TILE_T <= stop; t += TILE_T)                                               \
                for (int j = 0; j < T##_vecs; j++) {                                              \
                    T##_vec b_t = ((const T##_vec *)(b + t))[j];                                  \
                    for (int i = 0; i < TILE_O; i++)                                              \
                        tile[i][j] += ((const T##_vec *)(a[i] + t))[j] * b_t;                     \
                }                                                                                 \
            const T *sums = (const T *)tile;                                                      \
            for (int i = 0; i < TILE_O; i++) {                                                    \
                for (int j = 0; j < TILE_T; j++)                                                  \
                    total[i] += sums[i * TILE_T + j];                                             \
                for (ptrdiff_t rest = t; rest < stop; rest++)                                     \
                    total[i] += (double)a[i][rest] * b[rest];                                     \
            }                                                                                     \
        }                                                                                         \
        for (ptrdiff_t i = 0; i < rows; i++)                                                      \
            out[i * out_row] += (T)total[i];                                                      \
    }

DEFINE_TILE(float)
DEFINE_TILE(double)

#endif
