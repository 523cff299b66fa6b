/* Stand-ins for cuRAND: other numbers than a GPU draws, from the same distributions. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { STATUS_LENGTH_NOT_MULTIPLE = 105 };

typedef struct {
    uint64_t state;
} generator;

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_word(generator *g) {
    uint64_t z = (g->state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/* Uniform in (0, 1], as cuRAND has it. */
static double uniform(generator *g) {
    return (double)((next_word(g) >> 11) + 1) / 9007199254740992.0;
}

/* Box-Muller. */
static double normal(generator *g) {
    double radius = sqrt(-2 * log(uniform(g)));
    return radius * cos(2 * M_PI * uniform(g));
}

int curandCreateGenerator(generator **g, int type) {
    *g = calloc(1, sizeof(generator));
    return 0;
}

int curandDestroyGenerator(generator *g) {
    free(g);
    return 0;
}

int curandGetVersion(int *version) {
    *version = 10400;
    return 0;
}

int curandSetStream(generator *g, void *stream) { return 0; }
int curandSetGeneratorOrdering(generator *g, int ordering) { return 0; }

int curandSetPseudoRandomGeneratorSeed(generator *g, unsigned long long seed) {
    g->state = seed;
    return 0;
}

int curandSetGeneratorOffset(generator *g, unsigned long long offset) {
    for (; offset; offset--)
        next_word(g);
    return 0;
}

int curandGenerate(generator *g, unsigned *target, size_t n) {
    for (size_t i = 0; i < n; i++)
        target[i] = (unsigned)(next_word(g) >> 32);
    return 0;
}

int curandGenerateLongLong(generator *g, unsigned long long *target, size_t n) {
    for (size_t i = 0; i < n; i++)
        target[i] = next_word(g);
    return 0;
}

int curandGenerateUniform(generator *g, float *target, size_t n) {
    for (size_t i = 0; i < n; i++)
        target[i] = (float)uniform(g);
    return 0;
}

int curandGenerateUniformDouble(generator *g, double *target, size_t n) {
    for (size_t i = 0; i < n; i++)
        target[i] = uniform(g);
    return 0;
}

int curandGenerateNormal(generator *g, float *target, size_t n, float mean,
                         float deviation) {
    if (n % 2) return STATUS_LENGTH_NOT_MULTIPLE;
    for (size_t i = 0; i < n; i++)
        target[i] = (float)(mean + deviation * normal(g));
    return 0;
}

int curandGenerateNormalDouble(generator *g, double *target, size_t n, double mean,
                               double deviation) {
    if (n % 2) return STATUS_LENGTH_NOT_MULTIPLE;
    for (size_t i = 0; i < n; i++)
        target[i] = mean + deviation * normal(g);
    return 0;
}
