// A read-only mapping of a whole file.
#ifndef TANDEM_CORE_MAPPED_FILE_H_
#define TANDEM_CORE_MAPPED_FILE_H_

#include <cstdint>
#include <string>

namespace tandem {

class MappedFile {
 public:
  // path is UTF-8. Error(kIo) if the file cannot be mapped or is not expectedBytes long.
  MappedFile(const std::string& path, int64_t expectedBytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const void* data() const { return data_; }
  // Error(kIo) if the file is now shorter than its mapping: touching the lost pages would kill
  // the process.
  void check() const;

 private:
  std::string path_;
  int64_t bytes_;
  const void* data_ = nullptr;
#if defined(_WIN32)
  void* file_ = nullptr;  // HANDLE
#else
  int file_ = -1;
#endif
};

// Releases this process's hold on the memory pages that lie completely within the range, if the
// range is part of an open mapping. The pages stay in the system's cache and come back when
// touched. Does nothing for any other range.
void releaseMappedPages(const void* data, int64_t bytes);

}  // namespace tandem

#endif  // TANDEM_CORE_MAPPED_FILE_H_
