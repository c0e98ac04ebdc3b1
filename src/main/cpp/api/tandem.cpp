#include "api/tandem.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/guard.h"
#include "api/handles.h"
#include "api/options.h"
#include "bench/probe.h"
#include "blas/openblas.h"
#include "core/cpu.h"
#include "core/mapped_file.h"
#include "model/cpu_stage.h"
#include "model/stage.h"
#include "reference/reference_stage.h"

namespace tandem {
namespace {

using Lock = std::lock_guard<std::mutex>;

struct OpenHandles {
  Handles<td_engine, Engine> engines{"engine"};
  Handles<td_stage, Stage> stages{"stage"};
  Handles<td_sequence, Sequence> sequences{"sequence"};
  Handles<td_file, MappedFile> files{"file"};
};

// Never destroyed: at the process's end other threads may still be inside a call.
OpenHandles& handles() {
  static OpenHandles& instance = *new OpenHandles;
  return instance;
}

// switches: null for a stage with the engine's kernels; otherwise those of a reference stage.
void openStage(td_engine* engine, const td_stage_options* options, const td_tensor* tensors,
               int32_t nTensors, const int32_t* switches, td_stage** out) {
  requireArgument(out != nullptr, "out is NULL");
  *out = nullptr;
  requireArgument(options != nullptr, "options is NULL");
  requireArgument(nTensors >= 0, "n_tensors is negative");
  requireArgument(tensors != nullptr || nTensors == 0, "tensors is NULL");
  std::optional<ReferenceSwitches> reference;
  if (switches != nullptr) reference = checkedSwitches(*switches);
  const std::shared_ptr<Engine> e = handles().engines.get(engine);
  const Lock lock(e->mutex);
  handles().engines.get(engine);  // it may have been closed while this waited
  const StageSpec spec = checkedSpec(*options);
  const TableData tables = tablesOf(*options);
  const std::vector<Tensor> list = tensorsOf(tensors, nTensors);
  std::unique_ptr<StageImpl> impl;
  if (reference.has_value()) {
    impl = std::make_unique<ReferenceStage>(spec, tables, list, *reference, *e);
  } else {
    impl = std::make_unique<CpuStage>(spec, tables, list, *e);
  }
  *out = handles().stages.add(std::make_shared<Stage>(e, spec, std::move(impl)));
  ++e->nStages;
}

Stage::Rows rowsOf(const td_rows& rows, int32_t entry) {
  if (rows.kind != TD_ROWS_PROMPT && rows.kind != TD_ROWS_GENERATED) {
    throw Error(ErrorKind::kInvalid, "entry " + std::to_string(entry) + ": unknown row kind " +
                                         std::to_string(rows.kind));
  }
  return {rows.position, rows.n_rows, rows.out_begin, rows.n_out, rows.kind == TD_ROWS_PROMPT};
}

void runStep(td_stage* stage, const td_rows* rows, int32_t n, const Stage::Buffers& buffers) {
  const std::shared_ptr<Stage> s = handles().stages.get(stage);
  requireArgument(rows != nullptr && n >= 1, "rows: expected 1 entry or more");
  // Sequences are closed under this mutex, so those found below stay open.
  const Lock lock(s->engine().mutex);
  s->beginStep();
  {
    const Handles<td_sequence, Sequence>::Lookup open(handles().sequences);
    for (int32_t i = 0; i < n; ++i) s->addEntry(open[rows[i].sequence], rowsOf(rows[i], i));
  }
  s->runStep(buffers);
}

// For td_probe_*: body(engine), under its mutex, gives what goes to *out.
template <class F>
td_status probe(td_engine* engine, double* out, const char* outIsNull, F&& body) {
  return guard([&] {
    requireArgument(out != nullptr, outIsNull);
    const std::shared_ptr<Engine> e = handles().engines.get(engine);
    const Lock lock(e->mutex);
    *out = body(*e);
  });
}

DType probedType(int32_t dtype) {
  const std::optional<DType> type = dtypeOf(dtype);
  if (!type.has_value()) {
    throw Error(ErrorKind::kUnsupported, "dtype: there is no kernel for " + std::to_string(dtype));
  }
  return *type;
}

}  // namespace
}  // namespace tandem

using tandem::Engine;
using tandem::guard;
using tandem::guardValue;
using tandem::handles;
using tandem::Lock;
using tandem::MappedFile;
using tandem::requireArgument;
using tandem::Sequence;
using tandem::Stage;

const char* td_last_error(void) noexcept { return tandem::lastError(); }

td_status td_engine_open(int32_t n_threads, const char* isa, td_engine** out) noexcept {
  return guard([&] {
    requireArgument(out != nullptr, "out is NULL");
    *out = nullptr;
    *out = handles().engines.add(std::make_shared<Engine>(n_threads, tandem::kernels(isa)));
  });
}

td_status td_engine_close(td_engine* engine) noexcept {
  return guard([&] {
    const std::shared_ptr<Engine> e = handles().engines.get(engine);
    const Lock lock(e->mutex);
    requireArgument(e->nStages == 0, "the engine still has open stages");
    handles().engines.remove(engine);
  });
}

const char* td_engine_isa(const td_engine* engine) noexcept {
  return guardValue("", [&] { return handles().engines.get(engine)->kernels.isa; });
}

int32_t td_engine_threads(const td_engine* engine) noexcept {
  return guardValue(-1, [&] { return handles().engines.get(engine)->pool.size(); });
}

td_status td_blas_set_path(const char* path) noexcept {
  return guard([&] {
    requireArgument(path != nullptr && *path != '\0', "path is NULL or empty");
    tandem::blas::setPath(path);
  });
}

td_status td_blas_description(const char** out) noexcept {
  return guard([&] {
    requireArgument(out != nullptr, "out is NULL");
    *out = nullptr;
    *out = tandem::blas::description();
  });
}

const char* td_cpu_name(void) noexcept {
  return guardValue("", [] { return tandem::cpuName().c_str(); });
}

td_status td_file_open(const char* path, int64_t expected_bytes, td_file** out) noexcept {
  return guard([&] {
    requireArgument(out != nullptr, "out is NULL");
    *out = nullptr;
    requireArgument(path != nullptr, "path is NULL");
    requireArgument(expected_bytes > 0, "expected_bytes: expected 1 or more");
    *out = handles().files.add(std::make_shared<MappedFile>(path, expected_bytes));
  });
}

td_status td_file_check(const td_file* file) noexcept {
  return guard([&] { handles().files.get(file)->check(); });
}

const void* td_file_data(const td_file* file) noexcept {
  return guardValue<const void*>(nullptr, [&] { return handles().files.get(file)->data(); });
}

void td_file_close(td_file* file) noexcept {
  guard([&] { handles().files.remove(file); });
}

td_status td_stage_open(td_engine* engine, const td_stage_options* options,
                        const td_tensor* tensors, int32_t n_tensors, td_stage** out) noexcept {
  return guard([&] { tandem::openStage(engine, options, tensors, n_tensors, nullptr, out); });
}

td_status td_reference_open(td_engine* engine, const td_stage_options* options,
                            const td_tensor* tensors, int32_t n_tensors, int32_t switches,
                            td_stage** out) noexcept {
  return guard([&] { tandem::openStage(engine, options, tensors, n_tensors, &switches, out); });
}

td_status td_stage_close(td_stage* stage) noexcept {
  return guard([&] {
    const std::shared_ptr<Stage> s = handles().stages.get(stage);
    const Lock lock(s->engine().mutex);
    requireArgument(s->nSequences == 0, "the stage still has open sequences");
    handles().stages.remove(stage);
    --s->engine().nStages;
  });
}

int64_t td_stage_weight_bytes(const td_stage* stage) noexcept {
  return guardValue<int64_t>(-1, [&] { return handles().stages.get(stage)->impl().weightBytes(); });
}

int32_t td_stage_matrix_types(const td_stage* stage) noexcept {
  return guardValue<int32_t>(
      0, [&] { return tandem::matrixTypeBits(handles().stages.get(stage)->impl().profile()); });
}

int32_t td_stage_prompt_kernels(const td_stage* stage) noexcept {
  return guardValue<int32_t>(
      -1, [&] { return tandem::promptKernelBits(handles().stages.get(stage)->impl().profile()); });
}

int64_t td_stage_kv_bytes(const td_stage* stage, int32_t positions) noexcept {
  return guardValue<int64_t>(-1, [&] {
    requireArgument(positions >= 0, "positions is negative");
    return handles().stages.get(stage)->impl().stateBytes(positions);
  });
}

td_status td_sequence_open(td_stage* stage, int32_t max_positions, td_sequence** out) noexcept {
  return guard([&] {
    requireArgument(out != nullptr, "out is NULL");
    *out = nullptr;
    const std::shared_ptr<Stage> s = handles().stages.get(stage);
    requireArgument(max_positions >= 1, "max_positions: expected 1 or more");
    requireArgument(max_positions <= s->spec().config.maxSeq,
                    "max_positions: expected no more than the model's max_seq");
    const Lock lock(s->engine().mutex);
    handles().stages.get(stage);  // it may have been closed while this waited
    *out = handles().sequences.add(std::make_shared<Sequence>(s, max_positions));
    ++s->nSequences;
  });
}

td_status td_sequence_close(td_sequence* sequence) noexcept {
  return guard([&] {
    const std::shared_ptr<Sequence> q = handles().sequences.get(sequence);
    const Lock lock(q->stage->engine().mutex);
    handles().sequences.remove(sequence);
    --q->stage->nSequences;
  });
}

int32_t td_sequence_length(const td_sequence* sequence) noexcept {
  return guardValue(-1, [&]() -> int32_t { return handles().sequences.get(sequence)->length; });
}

td_status td_sequence_copy(const td_sequence* from, int32_t from_position, td_sequence* to,
                           int32_t to_position, int32_t n) noexcept {
  return guard([&] {
    const std::shared_ptr<Sequence> source = handles().sequences.get(from);
    const std::shared_ptr<Sequence> target = handles().sequences.get(to);
    const Lock lock(source->stage->engine().mutex);
    // They may have been closed while this waited.
    handles().sequences.get(from);
    handles().sequences.get(to);
    source->stage->copy(*source, *target, {from_position, to_position, n});
  });
}

td_status td_step(td_stage* stage, const td_rows* rows, int32_t n_entries, const float* in,
                  int64_t in_floats, float* out, int64_t out_floats) noexcept {
  return guard([&] { tandem::runStep(stage, rows, n_entries, {in, out, in_floats, out_floats}); });
}

td_status td_probe_read(td_engine* engine, int64_t bytes, double* seconds) noexcept {
  return tandem::probe(engine, seconds, "seconds is NULL",
                       [&](Engine& e) { return tandem::probeRead(e, bytes); });
}

td_status td_probe_sgemm(td_engine* engine, int32_t m, int32_t n, int32_t k,
                         double* seconds) noexcept {
  return tandem::probe(engine, seconds, "seconds is NULL",
                       [&](Engine& e) { return tandem::probeSgemm(e, m, n, k); });
}

td_status td_probe_matmul(td_engine* engine, int32_t dtype, int32_t prompt, int32_t n_rows,
                          int32_t n_out, int32_t n_in, double* seconds) noexcept {
  return tandem::probe(engine, seconds, "seconds is NULL", [&](Engine& e) {
    requireArgument(prompt == 0 || prompt == 1, "prompt: expected 0 or 1");
    const auto rows = prompt == 1 ? tandem::RowKernel::kPromptChunk : tandem::RowKernel::kRowExact;
    return tandem::probeMatmul(e, tandem::probedType(dtype), rows, {n_rows, n_out, n_in});
  });
}

td_status td_probe_peak(td_engine* engine, int32_t dtype, double* operations_per_second) noexcept {
  return tandem::probe(engine, operations_per_second, "operations_per_second is NULL",
                       [&](Engine& e) { return tandem::probePeak(e, tandem::probedType(dtype)); });
}
