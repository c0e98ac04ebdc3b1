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

// Gives back this process's hold on the pages that lie wholly within the range, if that is part of
// a mapping that is open; they stay in the system's cache, and are there again when touched.
// Anything else is left as it is.
void releaseMappedPages(const void* data, int64_t bytes);

}  // namespace tandem

#endif  // TANDEM_CORE_MAPPED_FILE_H_
