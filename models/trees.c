/* Adds up boosted trees of at most eight leaves, a block of rows at a time.
 *
 * A number is first coded by how many of the forest's thresholds on it lie below it; a comparison is then one of bytes, made for as many
 * rows at once as the processor has room for, and none is a jump that could be guessed wrong. The leaves of a row are added tree after
 * tree, from zero, as LightGBM adds them: the sum has the same bits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES (WIDTH / 8)
#define BLOCK 512
#define AT_ONCE 4 /* Vectors that a threshold is held against while it is at hand. */
#define TABLE 16  /* Bytes that a processor of any kind looks up in at once. */
#define INNER 7
#define LEAVES 8
#define ZERO ((double)1e-35f) /* What is no further from zero is zero to LightGBM. */

typedef uint8_t Bytes __attribute__((vector_size(WIDTH)));
typedef uint8_t Table __attribute__((vector_size(TABLE)));
typedef double Doubles __attribute__((vector_size(WIDTH)));
typedef int64_t Wholes __attribute__((vector_size(WIDTH)));
typedef uint8_t FewBytes __attribute__((vector_size(LANES)));
typedef int32_t FewWords __attribute__((vector_size(4 * LANES)));

/* Where the word of each row has its bit in a table of bits. */
typedef struct {
    Table byte[BLOCK / TABLE], bit[BLOCK / TABLE];
} Asked;

/* A number that trees ask about: its column, its thresholds, ascending, and the codes of NaN and of zero, 255 for what is missing. */
typedef struct {
    int32_t column, first, count;
    uint8_t nan_code, zero_code;
} Number;

/* A category that trees ask about: its column, and the least code that no tree knows. */
typedef struct {
    int32_t column, size;
} Category;

/* An inner node. Of a number: a row goes left if its code, moved up by `shift` (255 becomes 0), is at most `limit`. Of a category
 * (`members` >= 0): if the bit of its code, counted from the byte there, is not set. Children below INNER are nodes, the others leaves.
 * Behind the last byte are 2 * TABLE more, which mean nothing. */
typedef struct {
    int32_t source, members;
    uint8_t left, right, shift, limit;
} Node;

typedef struct {
    int64_t numbers, categories, trees;
    const Number *number;
    const Category *category;
    const double *thresholds;
    const int64_t *first_node;
    const Node *node;
    const uint8_t *members;
    const double *leaves;
} Forest;

static void code_number(const double *values, const double *thresholds, const Number *of, uint8_t *codes) {
    for (int row = 0; row < BLOCK; row += AT_ONCE * LANES) {
        const Doubles *value = (const Doubles *)(values + row);
        Wholes below[AT_ONCE] = {{0}};
        for (int32_t i = 0; i < of->count; i++)
            for (int part = 0; part < AT_ONCE; part++) below[part] -= value[part] > thresholds[i];
        for (int part = 0; part < AT_ONCE; part++) {
            Wholes is_nan = value[part] != value[part], is_zero = (value[part] <= ZERO) & (value[part] >= -ZERO);
            below[part] = (below[part] & ~(is_nan | is_zero)) | (is_nan & of->nan_code) | (is_zero & of->zero_code);
            *(FewBytes *)(codes + row + part * LANES) = __builtin_convertvector(below[part], FewBytes);
        }
    }
}

static void code_category(const double *values, const Category *of, int32_t *words, Asked *asked) {
    for (int row = 0; row < BLOCK; row += LANES) {
        Doubles value = *(const Doubles *)(values + row), unknown = (Doubles){0} + of->size;
        Wholes is_known = (value > -1.0) & (value < unknown);
        Doubles word = (Doubles)((is_known & (Wholes)value) | (~is_known & (Wholes)unknown));
        *(FewWords *)(words + row) = __builtin_convertvector(word, FewWords);
    }
    for (int row = 0; row < BLOCK; row++) {
        ((uint8_t *)asked->byte)[row] = (uint8_t)(words[row] / 8);
        ((uint8_t *)asked->bit)[row] = (uint8_t)(1 << words[row] % 8);
    }
}

/* Writes 0 for each row whose bit is not set: the bit of word w is bit w % 8 of byte w / 8. */
static void look_up(const uint8_t *members, int32_t size, const int32_t *words, const Asked *asked, Table *found) {
#ifndef __clang__
    if (size < 256) {
        /* Few enough for two registers, which are asked for a whole vector of bytes at once. */
        Table low, high;
        memcpy(&low, members, TABLE), memcpy(&high, members + TABLE, TABLE);
        for (int i = 0; i < BLOCK / TABLE; i++) {
            Table byte = __builtin_shuffle(low, asked->byte[i]);
            if (size >= 8 * TABLE) {
                Table is_high = (Table)(asked->byte[i] >= TABLE);
                byte = (is_high & __builtin_shuffle(high, asked->byte[i])) | (~is_high & byte);
            }
            found[i] = byte & asked->bit[i];
        }
        return;
    }
#endif
    for (int row = 0; row < BLOCK; row++) ((uint8_t *)found)[row] = members[words[row] / 8] >> words[row] % 8 & 1;
}

static void choose(const Node *node, const Bytes *codes, const Bytes *left, const Bytes *right, Bytes *chosen) {
    uint8_t shift = node->shift, limit = node->limit;
    for (int i = 0; i < BLOCK / WIDTH; i++) {
        Bytes goes_left = (Bytes)((Bytes)(codes[i] + shift) <= limit);
        chosen[i] = (goes_left & left[i]) | (~goes_left & right[i]);
    }
}

/* Writes the sum of each row; the value of a row's feature stands at x[row * row_step + column * column_step]. Not 0: no memory. */
int add_trees(const Forest *forest, const double *x, int64_t rows, int64_t row_step, int64_t column_step, double *out) {
    Bytes chosen[INNER + LEAVES][BLOCK / WIDTH], members[BLOCK / WIDTH];
    double values[BLOCK] __attribute__((aligned(WIDTH))) = {0};
    uint8_t *codes = aligned_alloc(WIDTH, (size_t)(forest->numbers + 1) * BLOCK);
    int32_t *words = aligned_alloc(WIDTH, (size_t)(forest->categories + 1) * BLOCK * sizeof(int32_t));
    Asked *asked = aligned_alloc(WIDTH, (size_t)(forest->categories + 1) * sizeof(Asked));
    if (!codes || !words || !asked) {
        free(codes), free(words), free(asked);
        return 1;
    }
    for (int leaf = 0; leaf < LEAVES; leaf++)
        for (int row = 0; row < BLOCK; row++) ((uint8_t *)chosen[INNER + leaf])[row] = (uint8_t)leaf;
    for (int64_t begin = 0; begin < rows; begin += BLOCK) {
        int64_t count = rows - begin < BLOCK ? rows - begin : BLOCK;
        const double *block = x + begin * row_step;
        double sums[BLOCK] = {0};
        for (int64_t i = 0; i < forest->numbers; i++) {
            const Number *of = forest->number + i;
            for (int64_t row = 0; row < count; row++) values[row] = block[row * row_step + of->column * column_step];
            code_number(values, forest->thresholds + of->first, of, codes + i * BLOCK);
        }
        for (int64_t i = 0; i < forest->categories; i++) {
            const Category *of = forest->category + i;
            for (int64_t row = 0; row < count; row++) values[row] = block[row * row_step + of->column * column_step];
            code_category(values, of, words + i * BLOCK, asked + i);
        }
        for (int64_t tree = 0; tree < forest->trees; tree++) {
            int64_t first = forest->first_node[tree];
            /* Children come behind their parents, so they are chosen before them. */
            for (int64_t i = forest->first_node[tree + 1] - 1; i >= first; i--) {
                const Node *node = forest->node + i;
                int64_t source = node->source;
                const Bytes *code = (const Bytes *)(codes + source * BLOCK);
                if (node->members >= 0) {
                    const uint8_t *own = forest->members + node->members;
                    look_up(own, forest->category[source].size, words + source * BLOCK, asked + source, (Table *)members);
                    code = members;
                }
                choose(node, code, chosen[node->left], chosen[node->right], chosen[i - first]);
            }
            const double *leaves = forest->leaves + tree * LEAVES;
            const uint8_t *leaf = (const uint8_t *)chosen[forest->first_node[tree + 1] > first ? 0 : INNER];
            for (int row = 0; row < BLOCK; row++) sums[row] += leaves[leaf[row]];
        }
        for (int64_t row = 0; row < count; row++) out[begin + row] = sums[row];
    }
    free(codes), free(words), free(asked);
    return 0;
}
