#include "core/mapped_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "api/tandem.h"

namespace tandem {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("tandem-") + test->name() + std::to_string(std::random_device()()));
    std::ofstream(path_, std::ios::binary) << std::string(10000, 'x');
  }
  ~FileTest() override { std::filesystem::remove(path_); }

  static void expectError(td_status status, td_status expected, const char* text) {
    EXPECT_EQ(status, expected);
    EXPECT_NE(std::strstr(td_last_error(), text), nullptr) << td_last_error();
  }

  std::filesystem::path path_;
};

TEST_F(FileTest, MapsTheWholeFile) {
  td_file* file = nullptr;
  ASSERT_EQ(td_file_open(path_.string().c_str(), 10000, &file), TD_OK) << td_last_error();
  const auto* data = static_cast<const char*>(td_file_data(file));
  EXPECT_EQ(data[0], 'x');
  EXPECT_EQ(data[9999], 'x');
  EXPECT_EQ(td_file_check(file), TD_OK);
  td_file_close(file);
}

TEST_F(FileTest, AnotherSizeIsAnError) {
  for (const int64_t bytes : {9999, 10001, 1}) {
    td_file* file = nullptr;
    expectError(td_file_open(path_.string().c_str(), bytes, &file), TD_IO, "got 10000");
    EXPECT_EQ(file, nullptr);
  }
}

TEST_F(FileTest, AShrunkFileIsAnErrorBeforeItIsTouched) {
  td_file* file = nullptr;
  ASSERT_EQ(td_file_open(path_.string().c_str(), 10000, &file), TD_OK);
  std::filesystem::resize_file(path_, 4000);
  expectError(td_file_check(file), TD_IO, "shrank from 10000 to 4000");
  std::filesystem::resize_file(path_, 12000);
  EXPECT_EQ(td_file_check(file), TD_OK);
  td_file_close(file);
}

#if defined(__linux__)
int64_t residentFileBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "RssFile:") {
      int64_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return -1;
}

TEST_F(FileTest, ReleasedPagesAreNotResidentAndStillThere) {
  constexpr int64_t kBytes = 8 << 20;
  std::ofstream(path_, std::ios::binary) << std::string(kBytes, 'y');
  td_file* file = nullptr;
  ASSERT_EQ(td_file_open(path_.string().c_str(), kBytes, &file), TD_OK) << td_last_error();
  const auto* data = static_cast<const char*>(td_file_data(file));
  const auto touched = [&] { return std::count(data, data + kBytes, 'y'); };
  ASSERT_EQ(touched(), kBytes);
  const int64_t before = residentFileBytes();
  releaseMappedPages(data + kBytes - 1, 2);  // not of the mapping alone
  EXPECT_GT(residentFileBytes(), before - kBytes / 2);
  releaseMappedPages(data + 1, kBytes - 2);
  EXPECT_LT(residentFileBytes(), before - kBytes / 2);
  EXPECT_EQ(touched(), kBytes);
  td_file_close(file);
}
#endif

TEST_F(FileTest, MemoryThatIsNoMappingIsNotReleased) {
  std::vector<char> memory(1 << 20, 'z');
  releaseMappedPages(memory.data(), static_cast<int64_t>(memory.size()));
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 'z'), 1 << 20);
}

TEST_F(FileTest, BadArgumentsAreErrors) {
  td_file* file = nullptr;
  const std::string path = path_.string();
  expectError(td_file_open((path + ".missing").c_str(), 10000, &file), TD_IO, "cannot open");
  expectError(td_file_open(testing::TempDir().c_str(), 10000, &file), TD_IO, "");
  expectError(td_file_open(nullptr, 10000, &file), TD_INVALID, "path");
  expectError(td_file_open(path.c_str(), 0, &file), TD_INVALID, "expected_bytes");
  expectError(td_file_open(path.c_str(), -1, &file), TD_INVALID, "expected_bytes");
  expectError(td_file_open(path.c_str(), 10000, nullptr), TD_INVALID, "out");
  expectError(td_file_check(nullptr), TD_INVALID, "file is NULL");
  EXPECT_EQ(td_file_data(nullptr), nullptr);
  td_file_close(nullptr);
}

TEST_F(FileTest, ClosingTwiceIsHarmless) {
  td_file* file = nullptr;
  ASSERT_EQ(td_file_open(path_.string().c_str(), 10000, &file), TD_OK);
  td_file_close(file);
  td_file_close(file);
  expectError(td_file_check(file), TD_INVALID, "file is not open");
  EXPECT_EQ(td_file_data(file), nullptr);
}

}  // namespace
}  // namespace tandem
