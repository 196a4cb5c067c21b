/* Hashes of many texts that lie one behind the other: text i is the bytes from starts[i] to starts[i + 1].
 *
 * Both functions say of each text what their twins in `features/text_hashes.py` say.
 */
#include <stdint.h>
#include <string.h>

#define MIX UINT64_C(0x9E3779B97F4A7C15)

/* Writes 64 bits for each text, never 0: eight bytes of it are mixed in at a time. */
void hash_texts(const uint8_t *bytes, const int32_t *starts, int64_t count, uint64_t *out) {
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + starts[i];
        int64_t left = starts[i + 1] - starts[i];
        uint64_t found = ((uint64_t)left + 1) * MIX;
        for (; left > 0; left -= 8, at += 8) {
            uint64_t word = 0;
            for (int64_t place = 0; place < (left < 8 ? left : 8); place++) word |= (uint64_t)at[place] << 8 * place;
            found = (found ^ word) * MIX;
            found ^= found >> 32;
        }
        out[i] = found ? found : 1;
    }
}

/* FIPS 180-4. */
static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t BEGIN[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* As many texts are mixed side by side as the processor has room for. */
#define LANES (WIDTH / 4)

typedef uint32_t Words __attribute__((vector_size(WIDTH)));

static Words turned(Words word, int by) { return word >> by | word << (32 - by); }

/* Mixes a block of each text into its state, where `is_on` has all bits. */
static void mix_blocks(Words state[8], Words word[64], Words is_on) {
    for (int i = 16; i < 64; i++) {
        Words one = word[i - 15], two = word[i - 2];
        word[i] = word[i - 16] + (turned(one, 7) ^ turned(one, 18) ^ one >> 3) + word[i - 7] + (turned(two, 17) ^ turned(two, 19) ^ two >> 10);
    }
    Words a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        Words one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + word[i];
        Words two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    state[0] += a & is_on, state[1] += b & is_on, state[2] += c & is_on, state[3] += d & is_on;
    state[4] += e & is_on, state[5] += f & is_on, state[6] += g & is_on, state[7] += h & is_on;
}

/* Writes one block of a text of some length, which behind its end has a one and, at the very end, the number of its bits. */
static void lay_out(const uint8_t *text, int64_t length, int64_t block, int64_t blocks, uint8_t out[64]) {
    int64_t begin = block * 64, left = length - begin;
    memset(out, 0, 64);
    if (left > 0) memcpy(out, text + begin, left < 64 ? (size_t)left : 64);
    if (left >= 0 && left < 64) out[left] = 0x80;
    if (block == blocks - 1)
        for (int place = 0; place < 8; place++) out[63 - place] = (uint8_t)((uint64_t)length * 8 >> 8 * place);
}

/* Writes the first `digits` hexadecimal digits, at most 64, of the SHA-256 of each text, one behind the other. */
void digest_texts(const uint8_t *bytes, const int32_t *starts, int64_t count, int32_t digits, char *out) {
    for (int64_t begin = 0; begin < count; begin += LANES) {
        int lanes = count - begin < LANES ? (int)(count - begin) : LANES;
        int64_t blocks[LANES] = {0}, most = 0;
        for (int lane = 0; lane < lanes; lane++) {
            blocks[lane] = (starts[begin + lane + 1] - starts[begin + lane] + 8) / 64 + 1;
            if (blocks[lane] > most) most = blocks[lane];
        }
        Words state[8], word[64] = {{0}};
        for (int i = 0; i < 8; i++) state[i] = BEGIN[i] - (Words){0};
        for (int64_t block = 0; block < most; block++) {
            Words is_on = {0};
            for (int lane = 0; lane < lanes; lane++) {
                uint8_t laid[64];
                const int32_t *start = starts + begin + lane;
                if (block >= blocks[lane]) continue;
                is_on[lane] = ~UINT32_C(0);
                lay_out(bytes + start[0], start[1] - start[0], block, blocks[lane], laid);
                for (int i = 0; i < 16; i++)
                    word[i][lane] = (uint32_t)laid[4 * i] << 24 | (uint32_t)laid[4 * i + 1] << 16 | (uint32_t)laid[4 * i + 2] << 8 | laid[4 * i + 3];
            }
            mix_blocks(state, word, is_on);
        }
        for (int lane = 0; lane < lanes; lane++, out += digits)
            for (int digit = 0; digit < digits; digit++) out[digit] = "0123456789abcdef"[state[digit / 8][lane] >> (28 - 4 * (digit % 8)) & 15];
    }
}
