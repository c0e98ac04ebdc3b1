// The C interface of Tandem's native core, and the only header that the Java bindings see.
//
// Every function that can fail returns a td_status; the message for the last failure on the calling
// thread is td_last_error(). Nothing here throws, aborts, exits or prints. Sizes, offsets and types
// are validated before memory is touched. All matrices are row-major; all floats are IEEE f32.
#ifndef TANDEM_API_TANDEM_H_
#define TANDEM_API_TANDEM_H_

#include <stdint.h>

#if defined(_WIN32)
#if defined(TANDEM_BUILDING)
#define TANDEM_API __declspec(dllexport)
#else
#define TANDEM_API __declspec(dllimport)
#endif
#else
#define TANDEM_API __attribute__((visibility("default")))
#endif

#if defined(__cplusplus)
#define TANDEM_NOEXCEPT noexcept
extern "C" {
#else
#define TANDEM_NOEXCEPT
#endif

typedef enum td_status {
  TD_OK = 0,
  TD_INVALID = 1,      // an argument, a shape or a size is wrong
  TD_NO_MEMORY = 2,    // memory could not be reserved
  TD_IO = 3,           // a file could not be opened, mapped, or is shorter than it was
  TD_POSITION = 4,     // a first position above the sequence's length, or rows beyond its capacity
  TD_UNSUPPORTED = 5,  // this build or machine cannot do it (an ISA, OpenBLAS missing, a type)
  TD_INTERNAL = 6      // a bug in the core
} td_status;

// The quantised types are laid out as in GGUF; a row is whole blocks of 32 elements, or of 256 for
// the K types.
typedef enum td_dtype {
  TD_F32 = 0,
  TD_F16 = 1,
  TD_BF16 = 2,
  TD_Q4_0 = 3,
  TD_Q4_1 = 4,
  TD_Q5_0 = 5,
  TD_Q5_1 = 6,
  TD_Q8_0 = 7,
  TD_Q4_K = 8,
  TD_Q5_K = 9,
  TD_Q6_K = 10,
  TD_IQ4_NL = 11
} td_dtype;
typedef enum td_norm { TD_NORM_LAYER = 0, TD_NORM_RMS = 1 } td_norm;
typedef enum td_activation { TD_GELU_TANH = 0, TD_GELU_ERF = 1, TD_SILU = 2 } td_activation;
typedef enum td_activation_eval { TD_EVAL_TABLE = 0, TD_EVAL_FORMULA = 1 } td_activation_eval;
// The elements of a head that RoPE rotates together: (2i, 2i+1), or (i, i + headDim/2).
typedef enum td_rope { TD_ROPE_NONE = 0, TD_ROPE_INTERLEAVED = 1, TD_ROPE_HALVES = 2 } td_rope;
typedef enum td_mode { TD_MODE_FAST = 0, TD_MODE_REPRODUCIBLE = 1 } td_mode;
// Kernels of mode fast for prompts. Their bits differ from those of mode reproducible: OpenBLAS's
// sgemm for f32 matrices, whose bits depend on the chunks, on OpenBLAS's version and on its core;
// VDPBF16PS for bf16 matrices, on x86 processors that have it.
typedef enum td_prompt_kernel { TD_PROMPT_SGEMM = 1, TD_PROMPT_VDPBF16PS = 2 } td_prompt_kernel;
// The savings of a reference stage; see td_reference_open. Without a KV cache every step runs all
// rows of its sequences through the layers again, so the last three need a KV cache. An operation
// that they do not restrict to the new rows is computed for all rows.
typedef enum td_reference_switch {
  TD_REFERENCE_SGEMM = 1,     // products by OpenBLAS on all threads; otherwise loops on one thread
  TD_REFERENCE_KV_CACHE = 2,  // keys and values are kept
  TD_REFERENCE_CURRENT_LINEAR = 4,      // linear layers: new rows only; head: requested rows
  TD_REFERENCE_CURRENT_ACTIVATION = 8,  // the activation computes only new rows
  TD_REFERENCE_CURRENT_RESIDUAL = 16    // norms and residual additions compute only new rows
} td_reference_switch;
typedef enum td_row_kind { TD_ROWS_PROMPT = 0, TD_ROWS_GENERATED = 1 } td_row_kind;

// The role of a tensor. Matrices are logically [out, in]; vectors are [1, n] (rows = 1).
typedef enum td_role {
  TD_ATTN_NORM = 0,       // [dModel]
  TD_ATTN_NORM_BIAS = 1,  // [dModel], LayerNorm only, may be absent
  TD_WQKV = 2,            // [(nHeads + 2 * nKvHeads) * headDim, dModel]: q rows, then k, then v
  TD_BQKV = 3,            // the same number of rows, may be absent
  TD_WQ = 4,              // [nHeads * headDim, dModel]   (either wqkv, or wq, wk and wv)
  TD_WK = 5,              // [nKvHeads * headDim, dModel]
  TD_WV = 6,              // [nKvHeads * headDim, dModel]
  TD_BQ = 7,
  TD_BK = 8,
  TD_BV = 9,
  TD_WO = 10,             // [dModel, nHeads * headDim]
  TD_BO = 11,             // [dModel], may be absent
  TD_FFN_NORM = 12,       // [dModel]
  TD_FFN_NORM_BIAS = 13,  // [dModel]
  TD_WGATE = 14,          // [dFf, dModel], gated feed-forward only
  TD_WUP = 15,            // [dFf, dModel]
  TD_BUP = 16,            // [dFf], may be absent
  TD_WDOWN = 17,          // [dModel, dFf]
  TD_BDOWN = 18,          // [dModel], may be absent
  TD_OUTPUT_NORM = 19,    // [dModel], stages with a head
  TD_OUTPUT_NORM_BIAS = 20,
  TD_LM_HEAD = 21  // [vocabSize, dModel], stages with a head (tied: the token embedding)
} td_role;

// One tensor of a stage. data holds rows * cols elements of dtype, stored [rows, cols], or
// [cols, rows] when transposed is 1 (never if the type is quantised). Matrices of f32, f16, bf16,
// q8_0, q4_0, q4_K and q6_K are computed in their own type. Those of the first three are used in
// place if they are not transposed and aligned to their elements. td_stage_open rearranges
// everything else, once for all stages of an engine that are opened with the same data: it turns
// transposed matrices, packs those four quantised types for the kernels, and expands vectors and
// all other types to f32. The memory at data must outlive the stage and not change. If it lies in a
// td_file, memory pages of rearranged tensors no longer count as resident memory of this process.
typedef struct td_tensor {
  int32_t role;   // td_role
  int32_t layer;  // the layer's number in the whole model; -1 for output norm and head
  int32_t dtype;  // td_dtype
  int32_t transposed;
  int64_t rows;
  int64_t cols;
  const void* data;
  int64_t data_bytes;
} td_tensor;

typedef struct td_config {
  int32_t n_layers;
  int32_t n_heads;
  int32_t n_kv_heads;
  int32_t head_dim;
  int32_t d_model;
  int32_t d_ff;
  int32_t vocab_size;
  int32_t max_seq;
  int32_t norm;  // td_norm
  float norm_eps;
  int32_t activation;  // td_activation
  int32_t gated;       // 1: down(act(gate(x)) * up(x)); 0: down(act(up(x)))
  int32_t rope;        // td_rope
} td_config;

typedef struct td_stage_options {
  td_config config;
  int32_t layer_begin;      // this stage runs layers [layer_begin, layer_end) ...
  int32_t layer_end;        // ... which may be none,
  int32_t has_head;         // then, if 1, the final norm and the LM head
  int32_t mode;             // td_mode
  int32_t activation_eval;  // td_activation_eval
  int32_t kv_dtype;         // td_dtype of the KV cache: TD_F32, TD_F16 or TD_Q8_0
  int32_t chunk_rows;       // C: prompt rows are cut at multiples of it
  // The caller computes the tables in double precision; td_stage_open copies them.
  const float* rope_cos;             // [max_seq, head_dim / 2], or NULL without RoPE
  const float* rope_sin;             // the same
  const uint16_t* activation_table;  // f16 bits of act(x) for each of the 65536 f16 bit patterns x;
                                     // NULL with TD_EVAL_FORMULA
} td_stage_options;

// One sequence's part of a ragged batch: n_rows rows for positions position .. position + n_rows-1,
// of which rows out_begin .. out_begin + n_out - 1 (counted within this entry) are returned. A
// position below the sequence's length truncates the sequence to it first.
typedef struct td_rows {
  struct td_sequence* sequence;
  int32_t position;
  int32_t n_rows;
  int32_t kind;  // td_row_kind
  int32_t out_begin;
  int32_t n_out;
} td_rows;

// Handles are numbers, not addresses. No number is used twice: a closed handle is an error
// (TD_INVALID) and never refers to another object.
typedef struct td_engine td_engine;      // a thread pool and an instruction set
typedef struct td_stage td_stage;        // weights, scratch memory
typedef struct td_sequence td_sequence;  // one KV cache
typedef struct td_file td_file;          // a read-only mapping

// The message of this thread's last failure; valid until its next call into the library.
TANDEM_API const char* td_last_error(void) TANDEM_NOEXCEPT;

// n_threads includes the calling thread; 0 means all cores. isa is "avx512bf16",
// "avx512vnni", "avx512", "avx2", "neondot", "neon", "scalar", or NULL / "" for the value that the
// environment variable TANDEM_ISA has during this call, otherwise the best one of the machine.
TANDEM_API td_status td_engine_open(int32_t n_threads, const char* isa,
                                    td_engine** out) TANDEM_NOEXCEPT;
// Fails with TD_INVALID while stages of it are open.
TANDEM_API td_status td_engine_close(td_engine* engine) TANDEM_NOEXCEPT;
TANDEM_API const char* td_engine_isa(const td_engine* engine) TANDEM_NOEXCEPT;
TANDEM_API int32_t td_engine_threads(const td_engine* engine) TANDEM_NOEXCEPT;

// Sets the path of the OpenBLAS library, which is loaded when it is first needed, before any stage
// computes a prompt. Without this call the loader's search path is used.
TANDEM_API td_status td_blas_set_path(const char* path) TANDEM_NOEXCEPT;
// Loads OpenBLAS if it is not loaded, and returns e.g. "OpenBLAS 0.3.31 SKYLAKEX".
TANDEM_API td_status td_blas_description(const char** out) TANDEM_NOEXCEPT;
// The processor's brand string.
TANDEM_API const char* td_cpu_name(void) TANDEM_NOEXCEPT;

// Maps a file read-only. TD_IO if its size is not expected_bytes.
TANDEM_API td_status td_file_open(const char* path, int64_t expected_bytes,
                                  td_file** out) TANDEM_NOEXCEPT;
// TD_IO if the file has shrunk since it was mapped.
TANDEM_API td_status td_file_check(const td_file* file) TANDEM_NOEXCEPT;
TANDEM_API const void* td_file_data(const td_file* file) TANDEM_NOEXCEPT;
TANDEM_API void td_file_close(td_file* file) TANDEM_NOEXCEPT;

TANDEM_API td_status td_stage_open(td_engine* engine, const td_stage_options* options,
                                   const td_tensor* tensors, int32_t n_tensors,
                                   td_stage** out) TANDEM_NOEXCEPT;
// Opens a reference stage. It is written to be read and to be compared with, not to be fast. It
// behaves like any other stage, but its arithmetic is f32 for all types of tensors, and is not
// row-exact. It does not use the options mode, kv_dtype and chunk_rows. switches: the
// td_reference_switch bits that are on.
TANDEM_API td_status td_reference_open(td_engine* engine, const td_stage_options* options,
                                       const td_tensor* tensors, int32_t n_tensors,
                                       int32_t switches, td_stage** out) TANDEM_NOEXCEPT;
// Fails with TD_INVALID while sequences of it are open.
TANDEM_API td_status td_stage_close(td_stage* stage) TANDEM_NOEXCEPT;
// The bytes of this stage's weights that one step reads (for rooflines).
TANDEM_API int64_t td_stage_weight_bytes(const td_stage* stage) TANDEM_NOEXCEPT;
// The td_dtypes in which this stage's matrices are computed, as bits: 1 << td_dtype of each. 0 for
// a handle that is not open.
TANDEM_API int32_t td_stage_matrix_types(const td_stage* stage) TANDEM_NOEXCEPT;
// Which td_prompt_kernels this stage uses, combined; 0: all rows are computed as in mode
// reproducible. They are a part of the profile, which decides a sequence's bits. -1 for a handle
// that is not open.
TANDEM_API int32_t td_stage_prompt_kernels(const td_stage* stage) TANDEM_NOEXCEPT;
// The bytes of KV cache for that many positions, rounded up to whole memory pages; for a reference
// stage, the bytes of everything that a sequence keeps.
TANDEM_API int64_t td_stage_kv_bytes(const td_stage* stage, int32_t positions) TANDEM_NOEXCEPT;

// Reserves room for max_positions; memory is touched only as the sequence fills.
TANDEM_API td_status td_sequence_open(td_stage* stage, int32_t max_positions,
                                      td_sequence** out) TANDEM_NOEXCEPT;
TANDEM_API td_status td_sequence_close(td_sequence* sequence) TANDEM_NOEXCEPT;
TANDEM_API int32_t td_sequence_length(const td_sequence* sequence) TANDEM_NOEXCEPT;

// Copies keys and values of n positions from one sequence into another one of the same stage, whose
// length then ends behind them. Both first positions are multiples of 16. TD_POSITION unless the
// positions are within the length of `from`, and begin within the length and end within the
// capacity of `to`. Keys stay those of the positions that they were computed for: what was copied
// to another position can be kept there and copied back, but no step can use it.
TANDEM_API td_status td_sequence_copy(const td_sequence* from, int32_t from_position,
                                      td_sequence* to, int32_t to_position,
                                      int32_t n) TANDEM_NOEXCEPT;

// Runs a ragged batch. in: [sum of n_rows, dModel], the entries' rows one after another.
// out: [sum of n_out, vocabSize] for a stage with a head, otherwise [sum of n_out, dModel]. in and
// out do not overlap. A sequence may appear once. in_floats and out_floats are the buffers' sizes
// and must be at least what the batch needs. One step at a time per engine: concurrent calls wait.
// A refused step changes nothing. A step that fails while it computes (because of a bug, or because
// memory is short) truncates its sequences to its entries' positions.
TANDEM_API td_status td_step(td_stage* stage, const td_rows* rows, int32_t n_entries,
                             const float* in, int64_t in_floats, float* out,
                             int64_t out_floats) TANDEM_NOEXCEPT;

// Measurements. Reads that many bytes once with all threads; returns the time in seconds.
TANDEM_API td_status td_probe_read(td_engine* engine, int64_t bytes,
                                   double* seconds) TANDEM_NOEXCEPT;
// Runs y[m, n] = x[m, k] * w[n, k]^T once through OpenBLAS alone; returns the time in seconds.
TANDEM_API td_status td_probe_sgemm(td_engine* engine, int32_t m, int32_t n, int32_t k,
                                    double* seconds) TANDEM_NOEXCEPT;
// Runs y[n_rows, n_out] = x[n_rows, n_in] * w^T once, with the row-exact kernel for weights of that
// td_dtype or, if prompt is 1, as a chunk of a prompt in mode fast; returns the time in seconds.
// TD_UNSUPPORTED for a type without kernels. The weights stay in the caches: use more weights than
// fit there to measure reads from memory.
TANDEM_API td_status td_probe_matmul(td_engine* engine, int32_t dtype, int32_t prompt,
                                     int32_t n_rows, int32_t n_out, int32_t n_in,
                                     double* seconds) TANDEM_NOEXCEPT;
// The operations per second (a product and its sum are two) of all threads, with only the
// arithmetic of the kernel for weights of that td_dtype and without memory: f32 products for TD_F32
// and TD_F16, 8-bit products for TD_Q8_0, 4-bit products for TD_Q4_0, TD_Q4_K and TD_Q6_K (whose
// kernel does more), and for TD_BF16 the processor's bf16 products if it has them, otherwise f32.
// TD_UNSUPPORTED for a type without kernels.
TANDEM_API td_status td_probe_peak(td_engine* engine, int32_t dtype,
                                   double* operations_per_second) TANDEM_NOEXCEPT;

#if defined(__cplusplus)
}  // extern "C"
#endif

#endif  // TANDEM_API_TANDEM_H_
