#include "blas/openblas.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "blas/environment.h"
#include "core/cpu.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

using blas::ScopedEnvironment;

TEST(EnvironmentTest, PutsEverythingBack) {
  ScopedEnvironment outer;
  outer.set("TANDEM_TEST_SET", "before");
  outer.unset("TANDEM_TEST_UNSET");
  {
    ScopedEnvironment inner;
    inner.set("TANDEM_TEST_SET", "1");
    inner.set("TANDEM_TEST_SET", "2");
    inner.set("TANDEM_TEST_UNSET", "3");
    EXPECT_EQ(ScopedEnvironment::get("TANDEM_TEST_SET"), "2");
    EXPECT_EQ(ScopedEnvironment::get("TANDEM_TEST_UNSET"), "3");
    inner.unset("TANDEM_TEST_SET");
    EXPECT_EQ(ScopedEnvironment::get("TANDEM_TEST_SET"), "");
  }
  EXPECT_EQ(ScopedEnvironment::get("TANDEM_TEST_SET"), "before");
  EXPECT_EQ(ScopedEnvironment::get("TANDEM_TEST_UNSET"), "");
}

// These run in processes of their own under ctest, so each loads the library again.
class OpenBlasTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }
};

TEST_F(OpenBlasTest, AnInheritedCoreDoesNotWin) {
  ScopedEnvironment environment;
  environment.set("OPENBLAS_CORETYPE", "Prescott");
  environment.set("OPENBLAS_L2_SIZE", "64");
  environment.unset("TANDEM_BLAS_CORE");
  const char* description = nullptr;
  TANDEM_OK(td_blas_description(&description));
  EXPECT_EQ(std::strncmp(description, "OpenBLAS ", 9), 0) << description;
  EXPECT_EQ(std::strstr(description, "PRESCOTT"), nullptr) << description;
  if (cpuHasAvx512()) {
    EXPECT_NE(std::strstr(description, "SKYLAKEX"), nullptr) << description;
  }
  EXPECT_EQ(ScopedEnvironment::get("OPENBLAS_CORETYPE"), "Prescott");
  EXPECT_EQ(ScopedEnvironment::get("OPENBLAS_L2_SIZE"), "64");
  EXPECT_EQ(
      ScopedEnvironment::get("OPENBLAS_NUM_THREADS"),
      std::getenv("OPENBLAS_NUM_THREADS") == nullptr ? "" : std::getenv("OPENBLAS_NUM_THREADS"));
}

TEST_F(OpenBlasTest, TheUsersChoiceWins) {
  ScopedEnvironment environment;
  environment.set("TANDEM_BLAS_CORE", "Haswell");
  const char* description = nullptr;
  TANDEM_OK(td_blas_description(&description));
#if defined(__x86_64__)
  EXPECT_NE(std::strstr(description, "HASWELL"), nullptr) << description;
#endif
}

TEST_F(OpenBlasTest, APathCannotChangeOnceLoaded) {
  const char* description = nullptr;
  TANDEM_OK(td_blas_description(&description));
  TANDEM_OK(td_blas_set_path(TANDEM_TEST_OPENBLAS));
  EXPECT_EQ(td_blas_set_path("elsewhere.so"), TD_INVALID);
  EXPECT_NE(std::strstr(td_last_error(), "already loaded"), nullptr);
}

TEST_F(OpenBlasTest, TheProbeRuns) {
  const EnginePtr engine = openEngine(2);
  double seconds = 0.0;
  TANDEM_OK(td_probe_sgemm(engine.get(), 32, 500, 96, &seconds));
  EXPECT_GT(seconds, 0.0);
}

TEST(OpenBlasMissingTest, IsAnErrorThatHelpsAndChangesNothing) {
  TANDEM_OK(td_blas_set_path("/nonexistent/libopenblas.so"));
  const char* description = "unchanged";
  EXPECT_EQ(td_blas_description(&description), TD_UNSUPPORTED);
  EXPECT_EQ(description, nullptr);
  EXPECT_NE(std::strstr(td_last_error(), "reproducible"), nullptr) << td_last_error();
  EXPECT_EQ(td_blas_set_path(""), TD_INVALID);
  EXPECT_EQ(td_blas_set_path(nullptr), TD_INVALID);
  EXPECT_EQ(td_blas_description(nullptr), TD_INVALID);

  const TestModel m = gpt2Model(1);
  const EnginePtr engine = openEngine(1);
  const StagePtr stage = openStage(engine, m.options(0, 3, false), m.tensorsOf(0, 3, false));
  const SequencePtr sequence = openSequence(stage, 20);
  Random random(1);
  const std::vector<float> in = randomHidden(random, m, 20);
  std::vector<float> out(in.size());
  const auto n = static_cast<int64_t>(in.size());
  td_rows rows = rowsOf(sequence, 0, 8, TD_ROWS_PROMPT);
  EXPECT_EQ(td_step(stage.get(), &rows, 1, in.data(), n, out.data(), n), TD_UNSUPPORTED);
  EXPECT_EQ(td_sequence_length(sequence.get()), 0);
  rows.n_rows = rows.n_out = 7;  // fewer rows than sgemm takes
  EXPECT_EQ(td_step(stage.get(), &rows, 1, in.data(), n, out.data(), n), TD_OK) << td_last_error();
}

TEST(OpenBlasMissingTest, AnotherLibraryIsNotOpenBlas) {
#if defined(__GLIBC__)
  TANDEM_OK(td_blas_set_path("libm.so.6"));
  const char* description = nullptr;
  EXPECT_EQ(td_blas_description(&description), TD_UNSUPPORTED);
  EXPECT_NE(std::strstr(td_last_error(), "is not OpenBLAS"), nullptr) << td_last_error();
#else
  GTEST_SKIP() << "names a library of glibc";
#endif
}

}  // namespace
}  // namespace tandem
