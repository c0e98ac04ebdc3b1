#include "model/naive_oracle.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

class Naive {
 public:
  Naive(const TestModel& model, Random* perturb, bool table)
      : m_(model), c_(model.config), perturb_(perturb), table_(table) {}

  Expected run(const std::vector<float>& hidden) {
    Rows x;
    for (size_t i = 0; i < hidden.size(); i += size(c_.d_model)) {
      x.emplace_back(hidden.begin() + static_cast<int64_t>(i),
                     hidden.begin() + static_cast<int64_t>(i) + c_.d_model);
    }
    for (int32_t layer = 0; layer < c_.n_layers; ++layer) block(x, layer);
    Expected expected;
    for (const Row& row : x) {
      expected.hidden.insert(expected.hidden.end(), row.begin(), row.end());
      const Row normed = norm(row, TD_OUTPUT_NORM, TD_OUTPUT_NORM_BIAS, -1);
      const Row logits = linear(normed, m_.data(TD_LM_HEAD, -1), nullptr, c_.vocab_size);
      expected.logits.insert(expected.logits.end(), logits.begin(), logits.end());
    }
    return expected;
  }

 private:
  static size_t size(int64_t n) { return static_cast<size_t>(n); }

  double rounded(double x, double unit) {
    return perturb_ == nullptr ? x : x * (1.0 + unit * static_cast<double>(perturb_->real()));
  }

  Row linear(const Row& x, const float* w, const float* bias, int64_t nOut) {
    // A lane's chain, the tree over the lanes, bias and residual; sgemm's chains are longer.
    const double unit = kUnit * (static_cast<double>(x.size()) + 6.0);
    Row y(size(nOut));
    for (size_t o = 0; o < y.size(); ++o) {
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[o]);
      for (size_t i = 0; i < x.size(); ++i) {
        sum += rounded(x[i] * static_cast<double>(w[o * x.size() + i]), unit);
      }
      y[o] = rounded(sum, kUnit);
    }
    return y;
  }

  Row norm(const Row& x, td_role gain, td_role bias, int32_t layer) {
    const auto n = static_cast<double>(x.size());
    double mean = 0.0;
    if (c_.norm == TD_NORM_LAYER) {
      for (const double v : x) mean += rounded(v, kUnit * n) / n;
    }
    double variance = 0.0;
    for (const double v : x) variance += (v - mean) * (v - mean) / n;
    const double scale = 1.0 / std::sqrt(variance + static_cast<double>(c_.norm_eps));
    const float* g = m_.data(gain, layer);
    const float* b = m_.data(bias, layer);
    Row y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      y[i] = rounded((x[i] - mean) * scale * static_cast<double>(g[i]), kUnit * (n + 8.0)) +
             (b == nullptr ? 0.0 : static_cast<double>(b[i]));
    }
    return y;
  }

  double activation(double x) {
    double y = 0.0;
    if (c_.activation == TD_SILU) {
      y = x / (1.0 + std::exp(-x));
    } else if (c_.activation == TD_GELU_ERF) {
      y = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    } else {
      y = 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    }
    // The table rounds argument and value to f16: 2^-11 each, and |x act'(x) / act(x)| < 4 for the
    // arguments of these models.
    return rounded(y, table_ ? 5 * 0x1p-11 : 16 * kUnit);
  }

  void rope(Row& heads, int64_t pos) {
    if (c_.rope == TD_ROPE_NONE) return;
    const int64_t half = c_.head_dim / 2;
    const bool interleaved = c_.rope == TD_ROPE_INTERLEAVED;
    for (size_t head = 0; head < heads.size(); head += size(c_.head_dim)) {
      for (int64_t i = 0; i < half; ++i) {
        double& a = heads[head + size(interleaved ? 2 * i : i)];
        double& b = heads[head + size(interleaved ? 2 * i + 1 : i + half)];
        const auto cos = static_cast<double>(m_.ropeCos[size(pos * half + i)]);
        const auto sin = static_cast<double>(m_.ropeSin[size(pos * half + i)]);
        const double a0 = a;
        a = rounded(a0 * cos - b * sin, 2 * kUnit);
        b = rounded(a0 * sin + b * cos, 2 * kUnit);
      }
    }
  }

  Row attention(const Row& q, const Rows& k, const Rows& v) {
    Row out(q.size(), 0.0);
    const int64_t groups = c_.n_heads / c_.n_kv_heads;
    const double unit = kUnit * static_cast<double>(c_.head_dim + c_.max_seq);
    for (int64_t h = 0; h < c_.n_heads; ++h) {
      const size_t qAt = size(h * c_.head_dim);
      const size_t kvAt = size(h / groups * c_.head_dim);
      Row p(k.size());
      for (size_t t = 0; t < k.size(); ++t) {
        for (size_t d = 0; d < size(c_.head_dim); ++d) {
          p[t] += rounded(q[qAt + d] * k[t][kvAt + d], unit);
        }
        p[t] /= std::sqrt(static_cast<double>(c_.head_dim));
      }
      const double max = *std::max_element(p.begin(), p.end());
      double total = 0.0;
      for (double& s : p) total += s = rounded(std::exp(s - max), unit);
      for (size_t t = 0; t < k.size(); ++t) {
        for (size_t d = 0; d < size(c_.head_dim); ++d) {
          out[qAt + d] += rounded(p[t] / total * v[t][kvAt + d], unit);
        }
      }
    }
    return out;
  }

  // q, k or v of a row: part 0, 1 or 2 of wqkv, or a matrix of its own.
  Row project(const Row& x, int part, int32_t layer) {
    const int64_t q = int64_t{c_.n_heads} * c_.head_dim;
    const int64_t kv = int64_t{c_.n_kv_heads} * c_.head_dim;
    const int64_t n = part == 0 ? q : kv;
    const float* w = m_.data(TD_WQKV, layer);
    const float* b = m_.data(TD_BQKV, layer);
    if (w == nullptr) {
      const td_role roles[] = {TD_WQ, TD_WK, TD_WV};
      return linear(x, m_.data(roles[part], layer), nullptr, n);
    }
    const int64_t first = part == 0 ? 0 : q + (part - 1) * kv;
    return linear(x, w + first * c_.d_model, b == nullptr ? nullptr : b + first, n);
  }

  void addTo(Row& x, const Row& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] = rounded(x[i] + y[i], kUnit);
  }

  void block(Rows& x, int32_t layer) {
    Rows k, v;
    for (size_t pos = 0; pos < x.size(); ++pos) {
      const Row xn = norm(x[pos], TD_ATTN_NORM, TD_ATTN_NORM_BIAS, layer);
      Row q = project(xn, 0, layer);
      k.push_back(project(xn, 1, layer));
      v.push_back(project(xn, 2, layer));
      rope(q, static_cast<int64_t>(pos));
      rope(k.back(), static_cast<int64_t>(pos));
      addTo(x[pos],
            linear(attention(q, k, v), m_.data(TD_WO, layer), m_.data(TD_BO, layer), c_.d_model));
    }
    for (Row& row : x) {
      const Row xn = norm(row, TD_FFN_NORM, TD_FFN_NORM_BIAS, layer);
      Row up = linear(xn, m_.data(TD_WUP, layer), m_.data(TD_BUP, layer), c_.d_ff);
      if (c_.gated != 0) {
        const Row gate = linear(xn, m_.data(TD_WGATE, layer), nullptr, c_.d_ff);
        for (size_t i = 0; i < up.size(); ++i) up[i] *= activation(gate[i]);
      } else {
        for (double& u : up) u = activation(u);
      }
      addTo(row, linear(up, m_.data(TD_WDOWN, layer), m_.data(TD_BDOWN, layer), c_.d_model));
    }
  }

  const TestModel& m_;
  const td_config& c_;
  Random* perturb_;
  bool table_;
};

void widen(std::vector<double>& bound, const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  if (bound.empty()) bound.assign(a.size(), 0.0);
  for (double& x : bound) x = std::max(x, 4.0 * largest);
}

}  // namespace

Expected oracle(const TestModel& model, const std::vector<float>& hidden, Random* perturb,
                bool table) {
  return Naive(model, perturb, table).run(hidden);
}

Bounds errorBounds(const TestModel& model, const std::vector<float>& hidden,
                   const Expected& expected, uint64_t seed, bool table) {
  Random random(seed);
  Bounds bounds;
  for (int run = 0; run < 5; ++run) {
    const Expected perturbed = oracle(model, hidden, &random, table);
    widen(bounds.hidden, perturbed.hidden, expected.hidden);
    widen(bounds.logits, perturbed.logits, expected.logits);
  }
  return bounds;
}

}  // namespace tandem
