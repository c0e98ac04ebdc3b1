#include <cstdlib>
#include <string>

#include "kernels/kernel_testing.h"

namespace tandem {
namespace {

// Sets TANDEM_ISA for one test; null removes it.
class IsaVariable {
 public:
  explicit IsaVariable(const char* value) {
    const char* old = std::getenv("TANDEM_ISA");
    had_ = old != nullptr;
    if (had_) old_ = old;
    set(value);
  }
  ~IsaVariable() { set(had_ ? old_.c_str() : nullptr); }
  IsaVariable(const IsaVariable&) = delete;
  IsaVariable& operator=(const IsaVariable&) = delete;

 private:
  static void set(const char* value) {
#if defined(_WIN32)
    _putenv_s("TANDEM_ISA", value == nullptr ? "" : value);
#else
    if (value == nullptr) {
      unsetenv("TANDEM_ISA");
    } else {
      setenv("TANDEM_ISA", value, 1);
    }
#endif
  }

  bool had_ = false;
  std::string old_;
};

TEST(DispatchTest, ChoosesTheBestByDefault) {
  const IsaVariable variable(nullptr);
  EXPECT_STREQ(kernels(nullptr).isa, availableIsas().back());
  EXPECT_STREQ(kernels("").isa, availableIsas().back());
}

TEST(DispatchTest, EveryNameGivesItsTable) {
  for (const char* isa : availableIsas()) EXPECT_STREQ(kernels(isa).isa, isa);
}

TEST(DispatchTest, TheEnvironmentForcesOne) {
  const IsaVariable variable("scalar");
  EXPECT_STREQ(kernels(nullptr).isa, "scalar");
  EXPECT_STREQ(kernels(availableIsas().back()).isa, availableIsas().back());
}

TEST(DispatchTest, AnUnknownNameIsUnsupportedAndListsTheValidOnes) {
  for (const bool inEnvironment : {false, true}) {
    const IsaVariable variable(inEnvironment ? "sse9" : nullptr);
    try {
      kernels(inEnvironment ? nullptr : "sse9");
      FAIL() << "no exception";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
      EXPECT_NE(std::string(e.what()).find("sse9"), std::string::npos) << e.what();
      for (const char* isa : availableIsas()) {
        EXPECT_NE(std::string(e.what()).find(isa), std::string::npos) << e.what();
      }
    }
  }
}

}  // namespace
}  // namespace tandem
