// Tables of functions that must be equal on every machine; the caller computes them.
#ifndef TANDEM_MODEL_TABLES_H_
#define TANDEM_MODEL_TABLES_H_

#include <cstdint>
#include <vector>

#include "core/sizes.h"
#include "kernels/kernels.h"
#include "model/config.h"

namespace tandem {

// The caller's tables.
struct TableData {
  const float* ropeCos;        // (maxSeq, headDim / 2); not read without RoPE
  const float* ropeSin;        // the same
  const uint16_t* activation;  // (kActivationTableSize), or null for the formula
};

// A stage's copy of the tables.
class Tables {
 public:
  Tables(const Config& c, const TableData& data) {
    if (c.rope != Rope::kNone) {
      const int64_t n = checkedProduct({c.maxSeq, c.headDim / 2}, "rope table");
      ropeCos_.assign(data.ropeCos, data.ropeCos + n);
      ropeSin_.assign(data.ropeSin, data.ropeSin + n);
    }
    if (data.activation != nullptr) {
      activation_.assign(data.activation, data.activation + kActivationTableSize);
    }
  }

  const float* ropeCos() const { return ropeCos_.data(); }  // (maxSeq, headDim / 2)
  const float* ropeSin() const { return ropeSin_.data(); }  // the same
  // (kActivationTableSize), or null for the formula
  const uint16_t* activation() const { return activation_.empty() ? nullptr : activation_.data(); }

 private:
  std::vector<float> ropeCos_, ropeSin_;
  std::vector<uint16_t> activation_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_TABLES_H_
