// Aligned memory that only grows.
#ifndef TANDEM_CORE_BUFFER_H_
#define TANDEM_CORE_BUFFER_H_

#include <cassert>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace tandem {

// Aligned to 64 bytes or more. Throws std::bad_alloc.
void* allocateAligned(int64_t bytes);
// Frees a result of allocateAligned(bytes); null is allowed.
void releaseAligned(void* data, int64_t bytes);

// Room for values of a plain type T, not initialised.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size) { reserve(size); }
  ~Buffer() { releaseAligned(data_, bytes()); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // Makes room for that many values; the content is lost when it grows. Throws std::bad_alloc.
  void reserve(int64_t size) {
    assert(size >= 0);
    if (size <= size_) return;
    if (size > std::numeric_limits<int64_t>::max() / kWidth) throw std::bad_alloc();
    // The old memory is freed first, so that a stage never holds two copies of its scratch.
    releaseAligned(std::exchange(data_, nullptr), kWidth * std::exchange(size_, 0));
    data_ = static_cast<T*>(allocateAligned(size * kWidth));
    size_ = size;
  }
  T* data() const { return data_; }  // aligned to 64 bytes; null when empty
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * kWidth; }

 private:
  static constexpr int64_t kWidth = int64_t{sizeof(T)};

  T* data_ = nullptr;
  int64_t size_ = 0;
};

using FloatBuffer = Buffer<float>;
using ByteBuffer = Buffer<unsigned char>;

}  // namespace tandem

#endif  // TANDEM_CORE_BUFFER_H_
