#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <system_error>

#include "core/error.h"
#include "core/mapped_file.h"

namespace tandem {
namespace {

[[noreturn]] void failErrno(const std::string& path, const char* action) {
  const int code = errno;
  throw Error(ErrorKind::kIo, path + ": " + action + ": " + std::generic_category().message(code));
}

int64_t fileBytes(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0) failErrno(path, "cannot read its size");
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::kIo, path + ": not a regular file");
  return status.st_size;
}

// All open mappings, by their first byte. Only their memory pages may be released: pages of other
// memory would be lost.
struct Mappings {
  std::mutex mutex;
  std::map<uintptr_t, int64_t> bytes;
};

Mappings& mappings() {
  static auto& instance = *new Mappings;  // never destroyed: files may be closed at exit
  return instance;
}

}  // namespace

MappedFile::MappedFile(const std::string& path, int64_t expectedBytes)
    : path_(path), bytes_(expectedBytes) {
  // O_NONBLOCK: opening a pipe must fail the check below, not wait for a writer.
  file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) failErrno(path, "cannot open");
  try {
    const int64_t bytes = fileBytes(file_, path);
    if (bytes != expectedBytes) {
      throw Error(ErrorKind::kIo, path + ": expected " + std::to_string(expectedBytes) +
                                      " bytes, got " + std::to_string(bytes));
    }
    void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_SHARED, file_, 0);
    if (data == MAP_FAILED) failErrno(path, "cannot map");
    data_ = data;
    Mappings& all = mappings();
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.bytes.emplace(reinterpret_cast<uintptr_t>(data), bytes);
  } catch (...) {
    if (data_ != nullptr) munmap(const_cast<void*>(data_), static_cast<size_t>(expectedBytes));
    ::close(file_);
    throw;
  }
}

MappedFile::~MappedFile() {
  Mappings& all = mappings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.bytes.erase(reinterpret_cast<uintptr_t>(data_));
  munmap(const_cast<void*>(data_), static_cast<size_t>(bytes_));
  ::close(file_);
}

void MappedFile::check() const {
  const int64_t bytes = fileBytes(file_, path_);
  if (bytes < bytes_) {
    throw Error(ErrorKind::kIo, path_ + ": shrank from " + std::to_string(bytes_) + " to " +
                                    std::to_string(bytes) + " bytes since it was mapped");
  }
}

void releaseMappedPages(const void* data, int64_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t end = begin + static_cast<uintptr_t>(bytes);
  Mappings& all = mappings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto next = all.bytes.upper_bound(begin);
  if (next == all.bytes.begin()) return;
  const auto& [mapping, mappingBytes] = *std::prev(next);
  if (end > mapping + static_cast<uintptr_t>(mappingBytes)) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace tandem

#endif  // !defined(_WIN32)
