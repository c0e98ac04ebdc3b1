#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <system_error>

#include "core/error.h"
#include "core/mapped_file.h"

namespace tandem {
namespace {

[[noreturn]] void failErrno(const std::string& path, const char* action) {
  const int code = errno;
  throw Error(TD_IO, path + ": " + action + ": " + std::generic_category().message(code));
}

int64_t fileBytes(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0) failErrno(path, "cannot read its size");
  if (!S_ISREG(status.st_mode)) throw Error(TD_IO, path + ": not a regular file");
  return status.st_size;
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
      throw Error(TD_IO, path + ": expected " + std::to_string(expectedBytes) + " bytes, got " +
                             std::to_string(bytes));
    }
    void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_SHARED, file_, 0);
    if (data == MAP_FAILED) failErrno(path, "cannot map");
    data_ = data;
  } catch (...) {
    ::close(file_);
    throw;
  }
}

MappedFile::~MappedFile() {
  munmap(const_cast<void*>(data_), static_cast<size_t>(bytes_));
  ::close(file_);
}

void MappedFile::check() const {
  const int64_t bytes = fileBytes(file_, path_);
  if (bytes < bytes_) {
    throw Error(TD_IO, path_ + ": shrank from " + std::to_string(bytes_) + " to " +
                           std::to_string(bytes) + " bytes since it was mapped");
  }
}

}  // namespace tandem

#endif  // !defined(_WIN32)
