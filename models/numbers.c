/* The terms that numbers add to a linear score: each is straightened, scaled, kept within bounds and weighed.
 *
 * Every step but the logarithms, which are NumPy's, is the one that `models/linear.py` takes column by column, in its order: a term has
 * the same bits.
 */
#include <math.h>
#include <stdint.h>

enum { PLAIN, LOG, LOGIT };

/* Column of the matrix, row among the terms, how it is straightened, and what it is scaled and weighed by. */
typedef struct {
    int32_t place, term, scale;
    double mean, spread, weight;
} Number;

/* What is not a number is in no bounds and stays as it is. */
static double within(double value, double low, double high) {
    value = value < low ? low : value;
    return value > high ? high : value;
}

static double bounded(double value, int32_t scale) {
    if (scale == PLAIN) return within(value, -10.0, 10.0);
    if (scale == LOG) return within(fabs(value), 0.0, 1e12);
    value = within(value, 0.005, 0.995);
    return value / (1.0 - value);
}

/* Writes a row for each number: itself, or what the logarithm is to be taken of; a feature of a row stands at
 * x[row * row_step + column * column_step]. */
void bound_numbers(const Number *number, int64_t count, const double *x, int64_t rows, int64_t row_step, int64_t column_step, double *out) {
    for (int64_t i = 0; i < count; i++, number++, out += rows) {
        const double *column = x + number->place * column_step;
        for (int64_t row = 0; row < rows; row++) out[row] = bounded(column[row * row_step], number->scale);
    }
}

/* Writes the row of terms of each number from what `bound_numbers` wrote, logarithms taken. */
void weigh_numbers(const Number *number, int64_t count, const double *x, int64_t rows, int64_t row_step, int64_t column_step,
                   const double *straight, double *out) {
    for (int64_t i = 0; i < count; i++, number++, straight += rows) {
        const double *column = x + number->place * column_step;
        double *term = out + number->term * rows;
        for (int64_t row = 0; row < rows; row++) {
            double value = straight[row], sign = column[row * row_step];
            if (number->scale == LOG) value = sign == 0.0 ? 0.0 : copysign(value, sign);
            double scaled = within((value - number->mean) / number->spread, -5.0, 5.0);
            term[row] = (scaled == scaled ? scaled : 0.0) * number->weight;
        }
    }
}
