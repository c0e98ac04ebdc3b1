// Aligned memory for floats that only grows.
#ifndef TANDEM_CORE_FLOAT_BUFFER_H_
#define TANDEM_CORE_FLOAT_BUFFER_H_

#include <cstdint>

namespace tandem {

class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(int64_t floats) { reserve(floats); }
  ~FloatBuffer();
  FloatBuffer(FloatBuffer&& other) noexcept;
  FloatBuffer& operator=(FloatBuffer&& other) noexcept;
  FloatBuffer(const FloatBuffer&) = delete;
  FloatBuffer& operator=(const FloatBuffer&) = delete;

  // Makes room for that many floats; the content is lost when it grows. Throws std::bad_alloc.
  void reserve(int64_t floats);
  float* data() const { return data_; }  // aligned to 64 bytes; null when empty
  int64_t size() const { return size_; }

 private:
  float* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_CORE_FLOAT_BUFFER_H_
