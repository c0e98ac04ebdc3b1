#include "core/float_buffer.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cassert>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>

namespace tandem {
namespace {

constexpr int64_t kCacheLineBytes = 64;  // and the widest vector
constexpr int64_t kHugePageBytes = int64_t{1} << 21;

// Large buffers ask for huge pages: a step reads weights once, front to back, and in pages of 4 KiB
// the walks cost a tenth of the bandwidth (measured in a virtual machine, where they are nested).
bool isLarge(int64_t floats) { return floats >= 2 * kHugePageBytes / int64_t{sizeof(float)}; }

std::align_val_t alignmentOf(int64_t floats) {
  return static_cast<std::align_val_t>(isLarge(floats) ? kHugePageBytes : kCacheLineBytes);
}

float* allocate(int64_t floats) {
  const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
  void* data = ::operator new(bytes, alignmentOf(floats));
#if defined(MADV_HUGEPAGE)
  if (isLarge(floats)) madvise(data, bytes, MADV_HUGEPAGE);  // a hint; it may fail
#endif
  return static_cast<float*>(data);
}

void release(float* data, int64_t floats) { ::operator delete(data, alignmentOf(floats)); }

}  // namespace

FloatBuffer::~FloatBuffer() { release(data_, size_); }

FloatBuffer::FloatBuffer(FloatBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

FloatBuffer& FloatBuffer::operator=(FloatBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void FloatBuffer::reserve(int64_t floats) {
  assert(floats >= 0);
  if (floats <= size_) return;
  constexpr int64_t kMaxFloats = std::numeric_limits<int64_t>::max() / int64_t{sizeof(float)};
  if (floats > kMaxFloats) throw std::bad_alloc();
  // The old block goes first, so that a stage never holds two copies of its scratch.
  release(std::exchange(data_, nullptr), std::exchange(size_, 0));
  data_ = allocate(floats);
  size_ = floats;
}

}  // namespace tandem
