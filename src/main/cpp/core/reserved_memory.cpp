#include "core/reserved_memory.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <string>

#include "core/error.h"

namespace tandem {
namespace {

#if defined(_WIN32)

// Committed pages count against the commit limit at once, but are backed only when touched.
void* reserve(size_t bytes) {
  return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void release(void* data, size_t) { VirtualFree(data, 0, MEM_RELEASE); }

#else

void* reserve(size_t bytes) {
#if defined(MAP_NORESERVE)
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (data == MAP_FAILED) return nullptr;
#if defined(MADV_NOHUGEPAGE)
  // A memory page of 2 MiB spans several heads, so the first token would touch nearly the whole
  // cache. The call fails harmlessly on systems without huge pages.
  madvise(data, bytes, MADV_NOHUGEPAGE);
#endif
  return data;
}

void release(void* data, size_t bytes) { munmap(data, bytes); }

#endif

}  // namespace

ReservedMemory::ReservedMemory(int64_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  data_ = reserve(static_cast<size_t>(bytes));
  if (data_ == nullptr) {
    throw Error(ErrorKind::kNoMemory, "cannot reserve " + std::to_string(bytes) + " bytes");
  }
}

ReservedMemory::~ReservedMemory() {
  if (data_ != nullptr) release(data_, static_cast<size_t>(bytes_));
}

int64_t ReservedMemory::pageBytes() {
#if defined(_WIN32)
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
#else
  return sysconf(_SC_PAGESIZE);
#endif
}

}  // namespace tandem
