#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include "core/error.h"
#include "core/mapped_file.h"

namespace tandem {
namespace {

[[noreturn]] void failLast(const std::string& path, const char* action) {
  throw Error(ErrorKind::kIo,
              path + ": " + action + ": Windows error " + std::to_string(GetLastError()));
}

std::wstring widen(const std::string& path) {
  const int size = static_cast<int>(path.size());
  const int wideSize =
      MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), size, nullptr, 0);
  if (wideSize == 0) failLast(path, "not a UTF-8 path");
  std::wstring wide(static_cast<size_t>(wideSize), L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), size, wide.data(), wideSize);
  return wide;
}

int64_t fileBytes(HANDLE file, const std::string& path) {
  LARGE_INTEGER bytes{};
  if (!GetFileSizeEx(file, &bytes)) failLast(path, "cannot read its size");
  return bytes.QuadPart;
}

}  // namespace

MappedFile::MappedFile(const std::string& path, int64_t expectedBytes)
    : path_(path), bytes_(expectedBytes) {
  HANDLE file = CreateFileW(widen(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
                            nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) failLast(path, "cannot open");
  HANDLE mapping = nullptr;
  try {
    const int64_t bytes = fileBytes(file, path);
    if (bytes != expectedBytes) {
      throw Error(ErrorKind::kIo, path + ": expected " + std::to_string(expectedBytes) +
                                      " bytes, got " + std::to_string(bytes));
    }
    mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (mapping == nullptr) failLast(path, "cannot map");
    data_ = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    if (data_ == nullptr) failLast(path, "cannot map");
    CloseHandle(mapping);  // the view keeps it alive
    file_ = file;
  } catch (...) {
    if (mapping != nullptr) CloseHandle(mapping);
    CloseHandle(file);
    throw;
  }
}

MappedFile::~MappedFile() {
  UnmapViewOfFile(data_);
  CloseHandle(file_);
}

void MappedFile::check() const {
  const int64_t bytes = fileBytes(file_, path_);
  if (bytes < bytes_) {
    throw Error(ErrorKind::kIo, path_ + ": shrank from " + std::to_string(bytes_) + " to " +
                                    std::to_string(bytes) + " bytes since it was mapped");
  }
}

// Windows trims a process's working set by itself.
void releaseMappedPages(const void*, int64_t) {}

}  // namespace tandem

#endif  // defined(_WIN32)
