/* Sizes, and ranges of rows, columns or entries. */
#ifndef SKNEURAL_SIZES_H
#define SKNEURAL_SIZES_H

#include <stddef.h>

typedef ptrdiff_t Size;

/* From `from` to just before `to`. */
typedef struct {
    Size from, to;
} Range;

static inline Size min_size(Size a, Size b)
{
    return a < b ? a : b;
}

static inline Size max_size(Size a, Size b)
{
    return a > b ? a : b;
}

static inline Size range_size(Range range)
{
    return range.to - range.from;
}

#endif
