// What is computed with a product gives what is computed after it.
#include "blas/openblas.h"
#include "model/matmul.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr int64_t kRows = 40;
constexpr int64_t kIn = 96;
constexpr int64_t kOut = 403;  // several panels of sgemm, the last vector not whole

class ProductTest : public testing::TestWithParam<WeightType> {
 protected:
  // Weights of 16 bits are finite in f16 and in bf16.
  ProductTest() : weights_(kOut * kIn), x_(kRows * kIn) {
    Random random(577);
    for (float& w : weights_) w = random.real();
    if (GetParam() != WeightType::kF32) {
      auto* halves = reinterpret_cast<uint16_t*>(weights_.data());
      for (int64_t i = 0; i < kOut * kIn; ++i) {
        halves[i] = static_cast<uint16_t>(random.between(0x3400, 0x3BFF));
      }
    }
    for (float& x : x_) x = random.real();
  }
  void SetUp() override {
    useTestOpenBlas();
    blas::load();
  }

  // Two products of the same weights, the first with the activation, if there is one.
  std::vector<float> products(const KernelTable& kernels, const Activation* activation) {
    std::vector<float> y(2 * kRows * kOut);
    const Linear w{GetParam(), weights_.data(), nullptr, kOut, kIn};
    const View2<const float> x{x_.data(), kRows, kIn, kIn};
    RowRanges ranges;
    ranges.exact = {{0, 5}, {35, 5}};
    ranges.chunks = {{5, 16}, {21, 14}};
    ProductScratch scratch;
    scratch.converted.reserveRounded(kRows, kIn);
    ThreadPool pool(2);
    multiply({product({y.data(), kRows, kOut, kOut}, x, w, activation),
              product({y.data() + kRows * kOut, kRows, kOut, kOut}, x, w)},
             ranges, scratch, pool, kernels);
    return y;
  }

  std::vector<float> weights_, x_;
};

TEST_P(ProductTest, AnActivationIsThatOfTheProduct) {
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(isa);
    const KernelTable& table = kernels(isa);
    const Activation gelu{ActivationKind::kGeluTanh, nullptr};
    std::vector<float> expected = products(table, nullptr);
    const std::vector<float> actual = products(table, &gelu);
    EXPECT_FALSE(sameBits(actual, expected));
    table.activate(expected.data(), expected.data(), nullptr, kRows * kOut, gelu.kind, gelu.table);
    EXPECT_TRUE(sameBits(actual, expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, ProductTest,
                         testing::Values(WeightType::kF32, WeightType::kF16, WeightType::kBf16));

}  // namespace
}  // namespace tandem
