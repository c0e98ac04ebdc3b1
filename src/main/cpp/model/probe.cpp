#include "model/probe.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "blas/openblas.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/sizes.h"
#include "model/matmul.h"

namespace tandem {
namespace {

constexpr int64_t kMaxProbeBytes = int64_t{1} << 33;  // more would only measure the same
constexpr int64_t kPieceFloats = 65536;

// At least that many floats, none of them zero or denormal. Touched, so that no page fault is
// timed.
float* filled(FloatBuffer& buffer, int64_t floats, ThreadPool& pool) {
  if (floats > kMaxProbeBytes / int64_t{sizeof(float)}) {
    throw Error(TD_INVALID, "a probe takes at most " + std::to_string(kMaxProbeBytes) + " bytes");
  }
  if (floats > buffer.size()) {
    buffer.reserve(floats);
    float* data = buffer.data();
    parallelFor(pool, floats, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) data[i] = 1.0f / static_cast<float>(1 + i % 97);
    });
  }
  return buffer.data();
}

template <class F>
double secondsOf(F&& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double probeRead(Engine& engine, int64_t bytes) {
  const int64_t floats = bytes / int64_t{sizeof(float)};
  if (floats < 1) throw Error(TD_INVALID, "bytes: expected 4 or more");
  const float* data = filled(engine.probeInput, floats, engine.pool);
  return secondsOf([&] {
    engine.pool.run(ceilDiv(floats, kPieceFloats), [&](int64_t piece, int) {
      const int64_t begin = piece * kPieceFloats;
      engine.kernels.readSum(data + begin, std::min(kPieceFloats, floats - begin));
    });
  });
}

// On two threads the engine's own panels are as fast as OpenBLAS's own threads (see matmul.cpp), so
// they stand for "OpenBLAS alone": sgemm and nothing else, on weights that may be in the cache.
double probeSgemm(Engine& engine, int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kMaxDim = int64_t{1} << 24;
  if (std::min({m, n, k}) < 1 || std::max({m, n, k}) > kMaxDim) {
    throw Error(TD_INVALID, "m, n, k: expected 1 to " + std::to_string(kMaxDim));
  }
  blas::load();
  const float* input = filled(engine.probeInput, m * k + n * k, engine.pool);
  const View2<const float> x{input, m, k, k};
  const Linear w{input + m * k, nullptr, n, k};
  const View2<float> y{filled(engine.probeOutput, m * n, engine.pool), m, n, n};
  return secondsOf([&] { multiply({{y, x, w}}, Arithmetic::kSgemm, engine.pool, engine.kernels); });
}

}  // namespace tandem
