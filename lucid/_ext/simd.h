/* The innermost loops at every level of SIMD, and the choice between them.

   tile.h is written once, and compiled here for each instruction set: one build runs everywhere,
   and uses the widest registers that the machine has. Their width must be the compiler's idea,
   too: a tile of 64-byte vectors, compiled for 32-byte registers, is tens of times slower.

     level      registers            tile of float32
     portable   plain C              4 x  3
     sse2       16 of 16 bytes       4 x 12    every x86-64
     neon       32 of 16 bytes       6 x 16    every ARM64
     avx2       16 of 32 bytes       4 x 24    with fused multiply-add, as the next
     avx512     32 of 64 bytes       6 x 64
*/
#ifndef LUCID_SIMD_H
#define LUCID_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 256 };               /* as in simd.pxd */
enum { LSTM, GRU, TANH, RELU };     /* the same */
enum { GELU, GELU_TANH, SILU, MISH, SOFTPLUS, LOG_SIGMOID, ELU };   /* as in activations.pyx */

#if defined(__GNUC__)
#define INLINE __attribute__((always_inline)) static inline
#define NOINLINE __attribute__((noinline)) static
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_ALL _Pragma("GCC unroll 24")
/* The steps of the next loop do not need each other: it can be vectorized. */
#define INDEPENDENT _Pragma("GCC ivdep")
/* The compiler must not compute this pointer from another one in the innermost loop. */
#define KEEP_IN_REGISTER(pointer) __asm__("" : "+r"(pointer))
#define PREFETCH(pointer) __builtin_prefetch(pointer)
#else
#define INLINE static inline
#define NOINLINE static
#define UNROLL
#define UNROLL_ALL
#define INDEPENDENT
#define KEEP_IN_REGISTER(pointer)
#define PREFETCH(pointer)
#endif

/* Arrays that do not overlap. */
#define RESTRICT __restrict

/* A sum stays in its register: without this word the compiler moves sums to and fro. */
#if defined(__GNUC__) && defined(__SSE2__)
#define KEEP_SUM(sum) __asm__("" : "+v"(sum))
/* A number outlives its product: else the product is put in its place, and moved to the sum. */
#define STILL_NEEDED(vec) __asm__ volatile("" : : "v"(vec))
#else
#define KEEP_SUM(sum)
#define STILL_NEEDED(vec)
#endif

/* What a kernel sees of a level. What the functions compute is said in tile.h. */
#define LUCID_FUNCTIONS(T)                                                                         \
    void (*T##_multiply)(                                                                          \
        const T *a, const ptrdiff_t *row, const T *b, const ptrdiff_t *col,                        \
        ptrdiff_t count, T *out, ptrdiff_t out_row, ptrdiff_t rows, ptrdiff_t columns,             \
        const T *start);                                                                           \
    void (*T##_dot)(                                                                               \
        const T *a, const ptrdiff_t *row, ptrdiff_t a_jump, const T *b, const ptrdiff_t *col,      \
        ptrdiff_t b_jump, ptrdiff_t segments, ptrdiff_t count, double *out, ptrdiff_t out_row,     \
        ptrdiff_t rows, ptrdiff_t cols);                                                           \
    void (*T##_turn)(                                                                              \
        const T *a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t columns, T *out,                    \
        ptrdiff_t out_row);                                                                        \
    void (*T##_deal)(                                                                              \
        const T *a, ptrdiff_t many, ptrdiff_t count, T *out, ptrdiff_t out_row);                   \
    void (*T##_weave)(                                                                             \
        const T *a, ptrdiff_t a_row, ptrdiff_t many, ptrdiff_t count, T *out, int add);            \
    int (*T##_finite)(const T *a, ptrdiff_t n);                                                    \
    T (*T##_burn)(ptrdiff_t count);                                                                \
    ptrdiff_t (*T##_lanes)(void);                                                                  \
    void (*T##_sigmoids)(const T *x, T *y, ptrdiff_t n);                                           \
    void (*T##_tanhs)(const T *x, T *y, ptrdiff_t n);                                              \
    void (*T##_cell_forward)(                                                                      \
        int kind, T *gates, const T *before, T *c, T *tanh_c, T *y, ptrdiff_t rows, ptrdiff_t H);  \
    void (*T##_cell_backward)(                                                                     \
        int kind, const T *gates, const T *before, const T *c_before, const T *tanh_c, T *gh,      \
        T *gc, T *gx, T *gu, ptrdiff_t rows, ptrdiff_t H);                                         \
    void (*T##_activate)(int kind, const T *x, const T *options, T *y, ptrdiff_t n);               \
    void (*T##_slopes)(int kind, const T *g, const T *x, const T *options, T *gx, ptrdiff_t n);    \
    void (*T##_logit_loss)(const T *x, const T *t, T *y, ptrdiff_t n);                             \
    void (*T##_logit_loss_slope)(const T *g, const T *x, const T *t, T *gx, ptrdiff_t n);          \
    void (*T##_group_forward)(                                                                     \
        const T *x, const T *w, const T *b, double *mean, double *var, T *y, ptrdiff_t P,          \
        ptrdiff_t L, double eps, int centered);                                                    \
    void (*T##_group_backward)(                                                                    \
        const T *g, const T *x, const T *w, double mean, double var, T *gx, T *gw, T *gb,          \
        ptrdiff_t P, ptrdiff_t L, double eps, int centered);

typedef struct {
    const char *name;
    LUCID_FUNCTIONS(float)
    LUCID_FUNCTIONS(double)
} Simd;

/* How many of `rest` to take, at most `most` at a time, so that all pieces are about equal. */
INLINE ptrdiff_t share(ptrdiff_t rest, ptrdiff_t most)
{
    ptrdiff_t pieces = (rest + most - 1) / most;
    return (rest + pieces - 1) / pieces;
}

/* ------------------------------------------------------------------------------- the levels */

#define LEVEL portable
#define BYTES sizeof(T)
#define VECTOR(T) T
#define TARGET
#define ROWS 4
#define VECS 3
#include "level.h"
#undef VECTOR

#if defined(__GNUC__)
#define VECTOR(T) T __attribute__((vector_size(BYTES), aligned(__alignof__(T)), may_alias))

#if defined(__SSE2__)
#define LEVEL sse2
#define BYTES 16
#define TARGET
#define ROWS 4
#define VECS 3
#include "level.h"

#define LEVEL avx2
#define BYTES 32
#define TARGET __attribute__((target("avx2,fma")))
#define ROWS 4
#define VECS 3
#include "level.h"

#define LEVEL avx512
#define BYTES 64
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define ROWS 6
#define VECS 4
#include "level.h"

#elif defined(__ARM_NEON) && defined(__aarch64__)
#define LEVEL neon
#define BYTES 16
#define TARGET
#define ROWS 6
#define VECS 4
#include "level.h"
#endif
#endif

/* The levels that this machine can run, widest first; ends with NULL. */
static const Simd **simd_levels(void)
{
    static const Simd *found[5];
    int n = 0;
#if defined(__GNUC__) && defined(__SSE2__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        found[n++] = &simd_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[n++] = &simd_avx2;
    found[n++] = &simd_sse2;
#elif defined(__GNUC__) && defined(__ARM_NEON) && defined(__aarch64__)
    found[n++] = &simd_neon;
#endif
    found[n++] = &simd_portable;
    found[n] = NULL;
    return found;
}

#endif
