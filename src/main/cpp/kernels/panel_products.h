// The products of one block of activations with one block of weights in a panel, for each type of
// panel. D is an instruction set's Dots: see scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_PANEL_PRODUCTS_H_
#define TANDEM_KERNELS_PANEL_PRODUCTS_H_

#include <cstdint>

#include "kernels/panels.h"
#include "kernels/unroll.h"

namespace tandem {

// products[r * P + p] = start(x[r]).
template <class D, int R, int P, class F>
inline void startProducts(typename D::Ints (&products)[R * P], const ActivationBlock* const (&x)[R],
                          const F& start) {
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    const auto ints = D::ints(start(*x[r]));
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) products[r * P + p] = ints;
  }
}

// The 32 products of x[r] with each of the 16 outputs of w[p], which holds q + 8 or q.
template <class D, int R, int P>
inline void addNibbles(typename D::Ints (&products)[R * P], const ActivationBlock* const (&x)[R],
                       const uint8_t (*const (&w)[P])[kPanelOutputs][4]) {
  typename D::Small sums[R * P];
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) sums[i] = D::small(products[i]);
  TANDEM_UNROLL
  for (int i = 0; i < 4; ++i) {
    typename D::Bytes low[P];
    typename D::Bytes high[P];
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) {
      const auto pairs = D::load(w[p][i][0]);
      low[p] = D::lowNibbles(pairs);
      high[p] = D::highNibbles(pairs);
    }
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const auto xLow = D::broadcast4(x[r]->q + 4 * i);
      const auto xHigh = D::broadcast4(x[r]->q + 16 + 4 * i);
      TANDEM_UNROLL
      for (int p = 0; p < P; ++p) {
        sums[r * P + p] = D::addSmall(sums[r * P + p], low[p], xLow);
        sums[r * P + p] = D::addSmall(sums[r * P + p], high[p], xHigh);
      }
    }
  }
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) products[i] = D::ints(sums[i]);
}

// sums[r * P + p] += the products times both scales.
template <class D, int R, int P, class Panel>
inline void addScaled(typename D::Vec (&sums)[R * P], const typename D::Vec (&products)[R * P],
                      const ActivationBlock* const (&x)[R], const Panel* const (&w)[P]) {
  using V = typename D::Vec;
  TANDEM_UNROLL
  for (int p = 0; p < P; ++p) {
    const V scale = V::expandF16(w[p]->scale);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      sums[r * P + p] =
          V::fma(products[r * P + p], V::mul(V::broadcast(x[r]->scale), scale), sums[r * P + p]);
    }
  }
}

template <class D, int R, int P, class Panel>
inline void addScaled(typename D::Vec (&sums)[R * P], const typename D::Ints (&products)[R * P],
                      const ActivationBlock* const (&x)[R], const Panel* const (&w)[P]) {
  typename D::Vec floats[R * P];
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) floats[i] = D::toFloats(products[i]);
  addScaled<D, R, P>(sums, floats, x, w);
}

// sums[r * P + p] += the 32 products of x[r] with block `block` of each of the 16 outputs of w[p].
template <class D, int R, int P>
inline void addBlock(typename D::Vec (&sums)[R * P], const ActivationBlock* const (&x)[R],
                     const Q8Panel* const (&w)[P], int64_t /*block*/) {
  typename D::Ints products[R * P];
  startProducts<D, R, P>(products, x,
                         [](const ActivationBlock& b) { return -D::kQ8Zero * b.sum(); });
  TANDEM_UNROLL
  for (int i = 0; i < 8; ++i) {
    typename D::Bytes wv[P];
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) wv[p] = D::load(w[p]->w[i][0]);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const auto xv = D::broadcast4(x[r]->q + 4 * i);
      TANDEM_UNROLL
      for (int p = 0; p < P; ++p) {
        products[r * P + p] = D::addQ8(products[r * P + p], wv[p], xv);
      }
    }
  }
  addScaled<D, R, P>(sums, products, x, w);
}

template <class D, int R, int P>
inline void addBlock(typename D::Vec (&sums)[R * P], const ActivationBlock* const (&x)[R],
                     const Q4Panel* const (&w)[P], int64_t /*block*/) {
  typename D::Ints products[R * P];
  const uint8_t(*pairs[P])[kPanelOutputs][4];
  TANDEM_UNROLL
  for (int p = 0; p < P; ++p) pairs[p] = w[p]->w;
  startProducts<D, R, P>(products, x, [](const ActivationBlock& b) { return -8 * b.sum(); });
  addNibbles<D, R, P>(products, x, pairs);
  addScaled<D, R, P>(sums, products, x, w);
}

template <class D, int R, int P>
inline void addBlock(typename D::Vec (&sums)[R * P], const ActivationBlock* const (&x)[R],
                     const Q4KPanel* const (&w)[P], int64_t block) {
  using V = typename D::Vec;
  typename D::Ints products[R * P];
  const uint8_t(*pairs[P])[kPanelOutputs][4];
  TANDEM_UNROLL
  for (int p = 0; p < P; ++p) pairs[p] = w[p]->w[block];
  startProducts<D, R, P>(products, x, [](const ActivationBlock&) { return 0; });
  addNibbles<D, R, P>(products, x, pairs);
  TANDEM_UNROLL
  for (int p = 0; p < P; ++p) {  // both factors are exact
    const V scale = V::mul(V::expandF16(w[p]->scale), V::expandI8(w[p]->scales[block]));
    const V min = V::mul(V::expandF16(w[p]->min), V::expandI8(w[p]->mins[block]));
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const float minus = -x[r]->scale * static_cast<float>(x[r]->sum());
      const V sum = V::fma(D::toFloats(products[r * P + p]),
                           V::mul(V::broadcast(x[r]->scale), scale), sums[r * P + p]);
      sums[r * P + p] = V::fma(V::broadcast(minus), min, sum);
    }
  }
}

// Elements 16 Half + 4 i to 16 Half + 4 i + 3 of the block, for 16 outputs.
template <class D, int Half>
inline typename D::Bytes sixBitWeights(const Q6KPanel& w, int64_t block, int i) {
  const auto pairs = D::load(w.low[block][i][0]);
  const auto nibbles = Half == 0 ? D::lowNibbles(pairs) : D::highNibbles(pairs);
  return D::sixBits(nibbles, D::load(w.high[block][Half][0]), i);
}

// Half of a block times its scales: each is exact, and so is the sum of both.
template <class D, int Half, int R, int P>
inline void addHalf(typename D::Vec (&scaled)[R * P], const ActivationBlock* const (&x)[R],
                    const Q6KPanel* const (&w)[P], int64_t block) {
  using V = typename D::Vec;
  typename D::Ints products[R * P];
  startProducts<D, R, P>(products, x,
                         [](const ActivationBlock& b) { return -32 * b.halfSums[Half]; });
  TANDEM_UNROLL
  for (int i = 0; i < 4; i += 2) {
    typename D::Bytes first[P];
    typename D::Bytes second[P];
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) {
      first[p] = sixBitWeights<D, Half>(*w[p], block, i);
      second[p] = sixBitWeights<D, Half>(*w[p], block, i + 1);
    }
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const int8_t* const q = x[r]->q + 16 * Half + 4 * i;
      const auto xFirst = D::broadcast4(q);
      const auto xSecond = D::broadcast4(q + 4);
      TANDEM_UNROLL
      for (int p = 0; p < P; ++p) {
        const auto sum = D::addSmall(D::small(products[r * P + p]), first[p], xFirst);
        products[r * P + p] = D::ints(D::addSmall(sum, second[p], xSecond));
      }
    }
  }
  TANDEM_UNROLL
  for (int p = 0; p < P; ++p) {
    const V scale = V::expandI8(w[p]->scales[2 * block + Half]);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      scaled[r * P + p] = V::fma(D::toFloats(products[r * P + p]), scale, scaled[r * P + p]);
    }
  }
}

// The scaled products stay whole numbers below 2^24: 2 * 16 * 127 * 32 * 128.
template <class D, int R, int P>
inline void addBlock(typename D::Vec (&sums)[R * P], const ActivationBlock* const (&x)[R],
                     const Q6KPanel* const (&w)[P], int64_t block) {
  typename D::Vec scaled[R * P];
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) scaled[i] = D::Vec::zero();
  addHalf<D, 0, R, P>(scaled, x, w, block);
  addHalf<D, 1, R, P>(scaled, x, w, block);
  addScaled<D, R, P>(sums, scaled, x, w);
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_PANEL_PRODUCTS_H_
