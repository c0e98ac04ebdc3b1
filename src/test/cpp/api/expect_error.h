// Compares the outcome of a call that must be refused.
#ifndef TANDEM_TEST_API_EXPECT_ERROR_H_
#define TANDEM_TEST_API_EXPECT_ERROR_H_

#include <gtest/gtest.h>

#include <string>

#include "api/tandem.h"

namespace tandem {

// The call returned that status, and its message contains the text.
inline void expectError(td_status status, td_status expected, const std::string& text) {
  EXPECT_EQ(status, expected) << td_last_error();
  EXPECT_NE(std::string(td_last_error()).find(text), std::string::npos)
      << "got \"" << td_last_error() << "\", want \"" << text << "\"";
}

}  // namespace tandem

#endif  // TANDEM_TEST_API_EXPECT_ERROR_H_
