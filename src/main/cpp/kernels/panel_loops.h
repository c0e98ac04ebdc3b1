// y = x * w^T of quantised activations with weights in panels, in register tiles. D is an
// instruction set's Dots: see scalar/dots.h for what each operation means. panel_products.h has the
// products of one block.
//
// A tile of R rows and P panels keeps R * P vectors of 16 outputs. As in matmul_loops.h, its panels
// are not adjacent, and the first rows read w from memory while the others find it in a cache. The
// number of panels and the distance of prefetches depend on the processor. Where a single row is
// fastest with P = 1, one stream starts sooner than several, and a matrix of 4 bits is so small
// that the starts matter. A single row multiplies its panels in turn: together they would share
// only the loads of x, and four do not fit AVX2's registers.
#ifndef TANDEM_KERNELS_PANEL_LOOPS_H_
#define TANDEM_KERNELS_PANEL_LOOPS_H_

#include <cstddef>
#include <cstdint>

#include "core/cache_line.h"
#include "kernels/kernels.h"
#include "kernels/panel_products.h"
#include "kernels/row_tiles.h"
#include "kernels/unroll.h"

namespace tandem {

inline constexpr int64_t kPanelCacheBytes = 393216;  // w of the outputs processed at a time

template <class Panel>
using PanelArgs = MatmulArgs<ActivationBlock, Panel>;

// A panel of several blocks stores their fields separately, so a block reaches beyond its share of
// the panel: by this many bytes in the first block, and by less in each of the following blocks.
template <class Panel>
inline constexpr int64_t kLeadBytes = 0;
template <>
inline constexpr int64_t kLeadBytes<Q4KPanel> =
    int64_t{offsetof(Q4KPanel, w)} + int64_t{sizeof(Q4KPanel::w[0])} -
    int64_t{sizeof(Q4KPanel)} / Q4KPanel::kBlocks;
template <>
inline constexpr int64_t kLeadBytes<Q6KPanel> =
    int64_t{offsetof(Q6KPanel, high)} + int64_t{sizeof(Q6KPanel::high[0])} -
    int64_t{sizeof(Q6KPanel)} / Q6KPanel::kBlocks;

// Prefetches the bytes of one block in one of P streams, ahead of the panel's block `block`.
template <class D, int P, class Panel>
inline void prefetchBlock(const Panel* w, int64_t block) {
  constexpr int64_t kBytes = int64_t{sizeof(Panel)} / Panel::kBlocks;
  constexpr int64_t kAhead = D::kPrefetchBytes / P + kLeadBytes<Panel>;
  TANDEM_UNROLL
  for (int64_t line = 0; line < kBytes; line += kCacheLineBytes) {
    D::Vec::prefetch(w, kAhead + block * kBytes + line);
  }
}

// addBlock for a tile: all its panels together, or those of a single row one after the other.
// Stream: w comes from memory.
template <class D, int R, int P, bool Stream, class Panel>
inline void addTileBlock(typename D::Vec (&sums)[R * P], const ActivationBlock* const (&x)[R],
                         const Panel* const (&w)[P], int64_t block) {
  if constexpr (R == 1) {
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) {
      typename D::Vec sum[1] = {sums[p]};
      if constexpr (Stream) prefetchBlock<D, P>(w[p], block);
      addBlock<D, 1, 1>(sum, x, {w[p]}, block);
      sums[p] = sum[0];
    }
  } else {
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) {
      if constexpr (Stream) prefetchBlock<D, P>(w[p], block);
    }
    addBlock<D, R, P>(sums, x, w, block);
  }
}

// totals[r * P + p] = the 16 outputs of row r of x, ldx apart, with panel p, wStep apart.
template <class D, class Panel, int R, int P, bool Stream>
TANDEM_NOINLINE void panelTotals(const ActivationBlock* x, int64_t ldx, const Panel* w,
                                 int64_t wStep, int64_t nPanelBlocks, float* totals) {
  using V = typename D::Vec;
  V sums[R * P];
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) sums[i] = V::zero();
  for (int64_t i = 0; i < nPanelBlocks; ++i) {
    const Panel* wb[P];
    TANDEM_UNROLL
    for (int p = 0; p < P; ++p) wb[p] = w + p * wStep + i;
    for (int64_t block = 0; block < Panel::kBlocks; ++block) {
      const ActivationBlock* xb[R];
      TANDEM_UNROLL
      for (int r = 0; r < R; ++r) xb[r] = x + r * ldx + i * Panel::kBlocks + block;
      addTileBlock<D, R, P, Stream>(sums, xb, wb, block);
    }
  }
  TANDEM_UNROLL
  for (int i = 0; i < R * P; ++i) sums[i].store(totals + i * kPanelOutputs);
}

// y = totals + bias + y for n outputs from `out` on of one row.
template <class D, class Panel>
inline void finishPanel(const PanelArgs<Panel>& a, int64_t row, int64_t out, int64_t n,
                        const float* totals) {
  using V = typename D::Vec;
  float* y = a.y + row * a.ldy + out;
  V total = V::load(totals);
  if (a.bias != nullptr) total = V::add(total, V::loadPartial(a.bias + out, n));
  if (a.accumulate) total = V::add(total, V::loadPartial(y, n));
  total.storePartial(y, n);
}

// P panels, `step` apart, for rows [row, row + R).
template <class D, class Panel, int R, int P, bool Stream>
inline void panelTile(const PanelArgs<Panel>& a, int64_t row, int64_t panel, int64_t step,
                      int64_t oEnd) {
  float totals[R * P * kPanelOutputs];
  if (Stream && a.bias != nullptr) {  // it also comes from memory; prefetch it here
    for (int p = 0; p < P; ++p) {
      D::Vec::prefetch(a.bias, (panel + p * step) * kPanelOutputs * int64_t{sizeof(float)});
    }
  }
  panelTotals<D, Panel, R, P, Stream>(a.x + row * a.ldx, a.ldx, a.w + panel * a.ldw, step * a.ldw,
                                      a.nIn / kPanelElements<Panel>, totals);
  for (int r = 0; r < R; ++r) {
    for (int p = 0; p < P; ++p) {
      const int64_t out = (panel + p * step) * kPanelOutputs;
      const int64_t n = oEnd - out < kPanelOutputs ? oEnd - out : kPanelOutputs;
      finishPanel<D>(a, row + r, out, n, totals + (r * P + p) * kPanelOutputs);
    }
  }
}

template <class D, class Panel, int R, int P, bool Stream>
TANDEM_NOINLINE void panelTiles(const PanelArgs<Panel>& a, int64_t row, int64_t oBegin,
                                int64_t oEnd) {
  const int64_t begin = oBegin / kPanelOutputs;
  const int64_t end = (oEnd + kPanelOutputs - 1) / kPanelOutputs;
  const int64_t step = (end - begin) / P;
  for (int64_t panel = begin; panel < begin + step; ++panel) {
    panelTile<D, Panel, R, P, Stream>(a, row, panel, step, oEnd);
  }
  for (int64_t panel = begin + step * P; panel < end; ++panel) {
    panelTile<D, Panel, R, 1, Stream>(a, row, panel, 0, oEnd);
  }
}

// Outputs [oBegin, oEnd), nOutputs at a time, in tiles of up to MaxRows.
template <class D, class Panel, int MaxRows>
void panelRows(const PanelArgs<Panel>& a, int64_t oBegin, int64_t oEnd, int64_t nOutputs) {
  for (int64_t o = oBegin; o < oEnd; o += nOutputs) {
    const int64_t end = o + nOutputs < oEnd ? o + nOutputs : oEnd;
    forEachRowTile<MaxRows>(a.nRows, [&](auto tile, int64_t row) {
      constexpr int kRows = decltype(tile)::value;
      constexpr int kPanels = D::panelsOf(kRows);
      if (row == 0) {
        panelTiles<D, Panel, kRows, kPanels, true>(a, row, o, end);
      } else {
        panelTiles<D, Panel, kRows, kPanels, false>(a, row, o, end);
      }
    });
  }
}

// Few rows use the fewest tiles, because the first tile waits for the memory. Many rows use the
// tiles that multiply fastest.
template <class D, class Panel>
void panelMatmul(const PanelArgs<Panel>& a, int64_t oBegin, int64_t oEnd) {
  const int64_t panelBytes = a.ldw * int64_t{sizeof(Panel)};
  const int64_t pairs = kPanelCacheBytes / panelBytes / 2 + 1;
  const int64_t nOutputs = pairs * 2 * kPanelOutputs;
  if (a.nRows <= D::kFewPanelRows) {
    panelRows<D, Panel, D::kFewPanelRows>(a, oBegin, oEnd, oEnd - oBegin);
  } else if (a.nRows <= 2 * D::kFewPanelRows) {
    panelRows<D, Panel, D::kFewPanelRows>(a, oBegin, oEnd, nOutputs);
  } else {
    panelRows<D, Panel, D::kPanelRows>(a, oBegin, oEnd, nOutputs);
  }
}

// The limits are exact: a sum of whole numbers up to 127.
template <class D>
void quantize(ActivationBlock* dst, const float* x, int64_t n) {
  using V = typename D::Vec;
  constexpr float kLargest = 127.0F;
  constexpr float kSmallest = 0x1p-100F;  // so that 127 / m is finite
  constexpr float kLargestSum = kLargest * static_cast<float>(kBlockElements);
  const V round = V::broadcast(0x1.8p+23F);  // adding it rounds to a whole number
  for (int64_t i = 0; i < n; i += kBlockElements, ++dst) {
    const V first = V::load(x + i);
    const V second = V::load(x + i + kLanes);
    const float m = V::max(V::abs(first), V::abs(second)).maxLane();
    const bool zero = m < kSmallest;
    const V inverse = V::broadcast(zero ? 0.0F : kLargest / m);
    const V q1 = V::sub(V::add(V::mul(first, inverse), round), round);
    const V q2 = V::sub(V::add(V::mul(second, inverse), round), round);
    const float sum1 = q1.sum();
    const float sum2 = q2.sum();
    const float sum = sum1 + sum2;
    if (!(sum >= -kLargestSum && sum <= kLargestSum)) {  // x has a NaN or an infinity
      *dst = {sum - sum, {}, {}};
      continue;
    }
    dst->scale = zero ? 0.0F : m / kLargest;
    dst->halfSums[0] = static_cast<int16_t>(sum1);
    dst->halfSums[1] = static_cast<int16_t>(sum2);
    q1.storeI8(dst->q);
    q2.storeI8(dst->q + kLanes);
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_PANEL_LOOPS_H_
