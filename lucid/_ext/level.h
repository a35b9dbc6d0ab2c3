/* One level of SIMD: tile.h and the others, for float and for double, and a table of the outcome. */

#define JOIN2(a, b, c) a##_##b##_##c
#define JOIN1(a, b, c) JOIN2(a, b, c)
#define NAME(name) JOIN1(T, name, LEVEL) /* float_multiply_avx2 */
#define TABLE2(level) simd_##level
#define TABLE1(level) TABLE2(level)
#define STRING2(text) #text
#define STRING1(text) STRING2(text)

#define DOT_COLS 4
#if ROWS > 4 /* there are 32 registers */
#define DOT_ROWS 4
#else
#define DOT_ROWS 2
#endif

#define T float
#include "tile.h"
#include "gates.h"
#include "activations.h"
#include "norms.h"
#undef T

#define T double
#include "tile.h"
#include "gates.h"
#include "activations.h"
#include "norms.h"
#undef T

static const Simd TABLE1(LEVEL) = {
    STRING1(LEVEL),
    JOIN1(float, multiply, LEVEL),
    JOIN1(float, dot, LEVEL),
    JOIN1(float, turn, LEVEL),
    JOIN1(float, deal, LEVEL),
    JOIN1(float, weave, LEVEL),
    JOIN1(float, finite, LEVEL),
    JOIN1(float, burn, LEVEL),
    JOIN1(float, lanes, LEVEL),
    JOIN1(float, sigmoids, LEVEL),
    JOIN1(float, tanhs, LEVEL),
    JOIN1(float, cell_forward, LEVEL),
    JOIN1(float, cell_backward, LEVEL),
    JOIN1(float, activate, LEVEL),
    JOIN1(float, slopes, LEVEL),
    JOIN1(float, logit_loss, LEVEL),
    JOIN1(float, logit_loss_slope, LEVEL),
    JOIN1(float, group_forward, LEVEL),
    JOIN1(float, group_backward, LEVEL),
    JOIN1(double, multiply, LEVEL),
    JOIN1(double, dot, LEVEL),
    JOIN1(double, turn, LEVEL),
    JOIN1(double, deal, LEVEL),
    JOIN1(double, weave, LEVEL),
    JOIN1(double, finite, LEVEL),
    JOIN1(double, burn, LEVEL),
    JOIN1(double, lanes, LEVEL),
    JOIN1(double, sigmoids, LEVEL),
    JOIN1(double, tanhs, LEVEL),
    JOIN1(double, cell_forward, LEVEL),
    JOIN1(double, cell_backward, LEVEL),
    JOIN1(double, activate, LEVEL),
    JOIN1(double, slopes, LEVEL),
    JOIN1(double, logit_loss, LEVEL),
    JOIN1(double, logit_loss_slope, LEVEL),
    JOIN1(double, group_forward, LEVEL),
    JOIN1(double, group_backward, LEVEL),
};

#undef JOIN2
#undef JOIN1
#undef NAME
#undef TABLE2
#undef TABLE1
#undef STRING2
#undef STRING1
#undef DOT_COLS
#undef DOT_ROWS
#undef LEVEL
#undef BYTES
#undef TARGET
#undef ROWS
#undef VECS
