#include "core/float_buffer.h"

#include <cassert>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>

namespace tandem {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector

}  // namespace

FloatBuffer::~FloatBuffer() { ::operator delete(data_, kAlignment); }

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
  ::operator delete(std::exchange(data_, nullptr), kAlignment);
  size_ = 0;
  const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
  data_ = static_cast<float*>(::operator new(bytes, kAlignment));
  size_ = floats;
}

}  // namespace tandem
