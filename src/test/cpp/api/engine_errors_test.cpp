// Every wrong argument of an engine or a probe gives a status and a message that says what is
// wrong, and changes nothing.
#include <limits>

#include "api/expect_error.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

TEST(EngineErrorsTest, BadArguments) {
  td_engine* engine = nullptr;
  expectError(td_engine_open(-1, nullptr, &engine), TD_INVALID, "n_threads");
  expectError(td_engine_open(129, nullptr, &engine), TD_INVALID, "n_threads");
  expectError(td_engine_open(1, "mmx", &engine), TD_UNSUPPORTED, "mmx");
  expectError(td_engine_open(1, nullptr, nullptr), TD_INVALID, "out is NULL");
  EXPECT_EQ(engine, nullptr);
  expectError(td_engine_close(nullptr), TD_INVALID, "engine is NULL");
  EXPECT_STREQ(td_engine_isa(nullptr), "");
  EXPECT_EQ(td_engine_threads(nullptr), -1);
  EXPECT_STRNE(td_cpu_name(), "");
}

TEST(EngineErrorsTest, ZeroThreadsAreAllCores) {
  const EnginePtr engine = openEngine(0);
  EXPECT_GE(td_engine_threads(engine.get()), 1);
}

TEST(EngineErrorsTest, ASuccessClearsTheMessage) {
  expectError(td_engine_close(nullptr), TD_INVALID, "NULL");
  openEngine(1);
  EXPECT_STREQ(td_last_error(), "");
}

TEST(EngineErrorsTest, Probes) {
  const EnginePtr engine = openEngine(2);
  double seconds = -1.0;
  EXPECT_EQ(td_probe_read(engine.get(), 1 << 20, &seconds), TD_OK);
  EXPECT_GT(seconds, 0.0);
  expectError(td_probe_read(engine.get(), 0, &seconds), TD_INVALID, "bytes");
  expectError(td_probe_read(engine.get(), -8, &seconds), TD_INVALID, "bytes");
  expectError(td_probe_read(engine.get(), std::numeric_limits<int64_t>::max(), &seconds),
              TD_INVALID, "probe");
  expectError(td_probe_read(engine.get(), 1024, nullptr), TD_INVALID, "seconds");
  expectError(td_probe_read(nullptr, 1024, &seconds), TD_INVALID, "engine");
  expectError(td_probe_sgemm(engine.get(), 0, 1, 1, &seconds), TD_INVALID, "m, n, k");
  expectError(td_probe_sgemm(engine.get(), 1, 1, -5, &seconds), TD_INVALID, "m, n, k");
  expectError(td_probe_sgemm(engine.get(), 1, 1, 1, nullptr), TD_INVALID, "seconds");
}

TEST(EngineErrorsTest, ProbesOfProducts) {
  useTestOpenBlas();
  const EnginePtr engine = openEngine(2);
  td_engine* e = engine.get();
  const td_dtype kWithKernels[] = {TD_F32, TD_F16, TD_BF16, TD_Q8_0, TD_Q4_0, TD_Q4_K, TD_Q6_K};
  for (const int32_t dtype : kWithKernels) {
    for (const int32_t prompt : {0, 1}) {
      double seconds = -1.0;
      EXPECT_EQ(td_probe_matmul(e, dtype, prompt, 9, 70, 256, &seconds), TD_OK) << td_last_error();
      EXPECT_GT(seconds, 0.0);
    }
  }
  double seconds = 0.0;
  for (const int32_t dtype : {-1, 99, int32_t{TD_Q4_1}, int32_t{TD_Q5_K}}) {
    expectError(td_probe_matmul(e, dtype, 0, 1, 256, 256, &seconds), TD_UNSUPPORTED, "dtype");
  }
  expectError(td_probe_matmul(e, TD_Q8_0, 0, 1, 64, 48, &seconds), TD_INVALID, "n_in");
  expectError(td_probe_matmul(e, TD_Q6_K, 0, 1, 64, 128, &seconds), TD_INVALID, "n_in");
  for (const int32_t bad : {0, -1, std::numeric_limits<int32_t>::max()}) {
    expectError(td_probe_matmul(e, TD_F16, 0, bad, 1, 1, &seconds), TD_INVALID, "n_rows");
    expectError(td_probe_matmul(e, TD_F16, 0, 1, bad, 1, &seconds), TD_INVALID, "n_out");
    expectError(td_probe_matmul(e, TD_F16, 0, 1, 1, bad, &seconds), TD_INVALID, "n_in");
  }
  expectError(td_probe_matmul(e, TD_F16, 0, 1, 1 << 24, 1 << 24, &seconds), TD_INVALID, "probe");
  expectError(td_probe_matmul(e, TD_F16, 2, 1, 1, 1, &seconds), TD_INVALID, "prompt");
  expectError(td_probe_matmul(e, TD_F16, 0, 1, 1, 1, nullptr), TD_INVALID, "seconds");
  double operations = 0;
  for (const int32_t dtype : kWithKernels) {
    EXPECT_EQ(td_probe_peak(e, dtype, &operations), TD_OK) << td_last_error();
    EXPECT_GT(operations, 1e6);
  }
  for (const char* isa : availableIsas()) {
    const EnginePtr other = openEngine(1, isa);
    for (const int32_t dtype :
         {TD_F32, TD_BF16, TD_Q8_0, TD_Q4_0}) {  // those with loops of their own
      EXPECT_EQ(td_probe_peak(other.get(), dtype, &operations), TD_OK) << td_last_error();
      EXPECT_GT(operations, 1e6);
    }
  }
  expectError(td_probe_peak(e, TD_Q5_K, &operations), TD_UNSUPPORTED, "dtype");
  expectError(td_probe_peak(e, TD_F32, nullptr), TD_INVALID, "operations");
  expectError(td_probe_peak(nullptr, TD_F32, &operations), TD_INVALID, "engine");
  expectError(td_probe_matmul(nullptr, TD_F16, 0, 1, 1, 1, &seconds), TD_INVALID, "engine");
}

}  // namespace
}  // namespace tandem
