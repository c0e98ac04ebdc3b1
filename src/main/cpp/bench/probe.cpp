#include "bench/probe.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "bench/probe_loops.h"
#include "blas/openblas.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/sizes.h"
#include "core/work_split.h"
#include "model/blocks.h"
#include "model/matmul.h"
#include "model/prepare.h"

namespace tandem {
namespace {

constexpr int64_t kMaxProbeBytes = int64_t{1} << 33;  // more would only measure the same
constexpr int64_t kSmallestPiece = 16384;
constexpr int64_t kLargestPiece = kMaxProbeBytes / int64_t{sizeof(float)};

// At least that many floats, none of them zero or denormal. They are touched before, so that no
// page fault is measured.
float* filled(FloatBuffer& buffer, int64_t floats, ThreadPool& pool) {
  if (floats > kMaxProbeBytes / int64_t{sizeof(float)}) {
    throw Error(ErrorKind::kInvalid,
                "a probe takes at most " + std::to_string(kMaxProbeBytes) + " bytes");
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

WeightType kernelTypeOf(DType dtype) {
  const WeightType type = weightTypeOf(dtype);
  if (type == WeightType::kF32 && dtype != DType::kF32) {
    throw Error(ErrorKind::kUnsupported,
                "dtype: there is no kernel for " + std::to_string(static_cast<int>(dtype)));
  }
  return type;
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
  if (floats < 1) throw Error(ErrorKind::kInvalid, "bytes: expected 4 or more");
  const float* data = filled(engine.probeInput, floats, engine.pool);
  const WorkSplit split(floats, {kLanes, kSmallestPiece, kLargestPiece}, engine.pool.size());
  const ProbeLoops loops = probeLoops(engine.kernels.isa);
  return secondsOf([&] {
    engine.pool.run(split.count(), [&](int64_t i, int) {
      const WorkSplit::Piece piece = split[i];
      loops.readSum(data + piece.begin, piece.end - piece.begin);
    });
  });
}

// Only OpenBLAS's sgemm. It runs in strips on the engine's threads, because this is not slower than
// OpenBLAS's own threads (two threads, 256 rows of GPT-2's shapes: 418 against 412 GFLOP/s). The
// strips are as wide as is useful and as the threads allow.
double probeSgemm(Engine& engine, int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kMinStrip = 96;
  constexpr int64_t kMaxStrip = 384;
  constexpr int64_t kStripStep = 16;
  if (std::min({m, n, k}) < 1 || std::max({m, n, k}) > kMaxDim) {
    throw Error(ErrorKind::kInvalid, "m, n, k: expected 1 to " + std::to_string(kMaxDim));
  }
  blas::load();
  const float* x = filled(engine.probeInput, m * k + n * k, engine.pool);
  const float* w = x + m * k;
  float* y = filled(engine.probeOutput, m * n, engine.pool);
  const int64_t share = roundUp(ceilDiv(n, engine.pool.size()), kStripStep);
  const int64_t strip = std::clamp(share, kMinStrip, kMaxStrip);
  return secondsOf([&] {
    engine.pool.run(ceilDiv(n, strip), [&](int64_t i, int) {
      const int64_t begin = i * strip;
      blas::sgemm({x, w + begin * k, y + begin, k, k, n, m, std::min(strip, n - begin), k, 0.0f});
    });
  });
}

double probePeak(Engine& engine, DType dtype) {
  constexpr int64_t kOperations = 60'000'000;  // of one thread, about a millisecond
  const ProbeLoops loops = probeLoops(engine.kernels.isa);
  const WeightType type = kernelTypeOf(dtype);
  const bool dots = type == WeightType::kBf16 && loops.bf16Dot.run != nullptr;
  const PeakLoop& loop = type == WeightType::kQ8 ? loops.q8
                         : inPanels(type)        ? loops.q4
                         : dots                  ? loops.bf16Dot
                                                 : loops.f32;
  const int64_t rounds = kOperations / loop.operations;
  const int64_t nThreads = engine.pool.size();
  const double seconds =
      secondsOf([&] { engine.pool.run(nThreads, [&](int64_t, int) { loop.run(rounds); }); });
  return static_cast<double>(rounds * nThreads * loop.operations) / seconds;
}

double probeMatmul(Engine& engine, DType dtype, RowKernel rows, const ProductShape& shape) {
  const bool prompt = rows == RowKernel::kPromptChunk;
  const auto [nRows, nOut, nIn] = shape;
  const WeightType type = kernelTypeOf(dtype);
  const int64_t block = blockShape(dtype).elements;
  if (std::min({nRows, nOut, nIn}) < 1 || std::max({nRows, nOut, nIn}) > kMaxDim) {
    throw Error(ErrorKind::kInvalid,
                "n_rows, n_out, n_in: expected 1 to " + std::to_string(kMaxDim));
  }
  if (nIn % block != 0) {
    throw Error(ErrorKind::kInvalid, "n_in: expected a multiple of " + std::to_string(block));
  }
  if (prompt && type == WeightType::kF32) blas::load();
  Tensor tensor{};
  tensor.dtype = dtype;
  tensor.rows = nOut;
  tensor.cols = nIn;
  const int64_t weightFloats = ceilDiv(preparedBytes(tensor, type), int64_t{sizeof(float)});
  const int64_t xFloats = roundUp(nRows * nIn, kLanes);
  // Weights with arbitrary bits, without denormals: the cost of a product does not depend on them.
  const float* x = filled(engine.probeInput, xFloats + weightFloats, engine.pool);
  float* y = filled(engine.probeOutput, nRows * nOut, engine.pool);
  ProductScratch scratch;
  if (inPanels(type)) scratch.converted.reserveQuantized(nRows, nIn);
  if (type == WeightType::kBf16) scratch.converted.reserveRounded(nRows, nIn);
  const Linear w{type, x + xFloats, nullptr, nOut, nIn};
  RowRanges ranges;
  (prompt ? ranges.chunks : ranges.exact).push_back({0, nRows});
  const Product all = product({y, nRows, nOut, nOut}, {x, nRows, nIn, nIn}, w);
  return secondsOf([&] { multiply({all}, ranges, scratch, engine.pool, engine.kernels); });
}

}  // namespace tandem
