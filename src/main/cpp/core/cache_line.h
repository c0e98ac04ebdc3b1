// The size of a cache line.
#ifndef TANDEM_CORE_CACHE_LINE_H_
#define TANDEM_CORE_CACHE_LINE_H_

#include <cstdint>

namespace tandem {

// Also the size of the widest vector, and the distance between sums of different threads.
inline constexpr int64_t kCacheLineBytes = 64;
inline constexpr int64_t kCacheLineFloats = kCacheLineBytes / int64_t{sizeof(float)};

}  // namespace tandem

#endif  // TANDEM_CORE_CACHE_LINE_H_
