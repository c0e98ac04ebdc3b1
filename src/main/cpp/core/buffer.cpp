#include "core/buffer.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>

#include "core/cache_line.h"

namespace tandem {
namespace {

constexpr int64_t kHugePageBytes = int64_t{1} << 21;

// Large buffers ask for huge memory pages. A step reads the weights once, front to back; with
// memory pages of 4 KiB the page walks cost a tenth of the bandwidth (measured in a virtual
// machine, where they are nested).
bool isLarge(int64_t bytes) { return bytes >= 2 * kHugePageBytes; }

std::align_val_t alignmentOf(int64_t bytes) {
  return static_cast<std::align_val_t>(isLarge(bytes) ? kHugePageBytes : kCacheLineBytes);
}

}  // namespace

void* allocateAligned(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  void* data = ::operator new(size, alignmentOf(bytes));
#if defined(MADV_HUGEPAGE)
  if (isLarge(bytes)) madvise(data, size, MADV_HUGEPAGE);  // a hint; it may fail
#endif
  return data;
}

void releaseAligned(void* data, int64_t bytes) { ::operator delete(data, alignmentOf(bytes)); }

}  // namespace tandem
