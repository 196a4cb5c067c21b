/* How many bytes the processor takes at once; before every C source that `features/native.py` compiles. */
#ifndef WIDTH
#if defined(__AVX512BW__)
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
#endif
