// Address space that costs memory only where it has been written.
#ifndef TANDEM_CORE_RESERVED_MEMORY_H_
#define TANDEM_CORE_RESERVED_MEMORY_H_

#include <cstdint>

namespace tandem {

class ReservedMemory {
 public:
  // bytes may be 0. The memory reads as zero. Error(kNoMemory) if it cannot be reserved.
  explicit ReservedMemory(int64_t bytes);
  ~ReservedMemory();
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  void* data() const { return data_; }  // aligned to a memory page
  static int64_t pageBytes();

 private:
  void* data_ = nullptr;
  int64_t bytes_;
};

}  // namespace tandem

#endif  // TANDEM_CORE_RESERVED_MEMORY_H_
