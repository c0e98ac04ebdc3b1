package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.engine.LocalStage;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.Retyped;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.ProfileException;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.PromptKernel;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What stages say of their arithmetic. */
class StageProfileTest {
  private static final EngineSettings FAST = EngineSettings.defaults();
  private static final EngineSettings REPRODUCIBLE = SplitExactnessTest.settings(16, true, 0, "");
  private static final String BLAS = "OpenBLAS 1 A";
  private static final String OTHER_BLAS = "OpenBLAS 1 B";

  private static ArithmeticProfile whole(Checkpoint model, EngineSettings settings)
      throws IOException {
    try (LocalChain chain = new LocalChain(model, settings)) {
      return chain.whole().profile();
    }
  }

  @Test
  void typesAreThoseOfAllMatrices() throws IOException {
    try (Checkpoint gpt2 = Checkpoints.open("gpt2-shakespeare", Optional.empty());
        Checkpoint llama = Checkpoints.open("stories260K", Optional.empty())) {
      assertThat(whole(gpt2, FAST).matrixTypes()).containsExactly(DType.F16);
      assertThat(whole(llama, FAST).matrixTypes()).containsExactly(DType.F32);
      assertThat(whole(Retyped.of(gpt2, DType.Q8_0), FAST).matrixTypes())
          .containsExactly(DType.Q8_0);
      assertThat(whole(Retyped.of(gpt2, DType.Q4_0), FAST).matrixTypes())
          .containsExactly(DType.Q4_0, DType.Q8_0); // the head
      assertThat(whole(Retyped.of(llama, DType.Q8_0), FAST).matrixTypes())
          .containsExactly(DType.F16, DType.Q8_0); // rows of 172
    }
    assertThat(whole(LongContexts.superblocks(), FAST).matrixTypes())
        .containsExactly(DType.Q4_K, DType.Q6_K);
    Checkpoint expanded = Retyped.withRandomBlocks(LongContexts.gpt2(), DType.Q5_0, 1);
    try (LocalChain chain = new LocalChain(expanded, FAST)) {
      assertThat(chain.stage(Span.layers(0, 1)).profile().matrixTypes()).containsExactly(DType.F32);
    }
  }

  @Test
  void theKvTypeFollowsTheBlocksOfTheWholeModel() throws IOException {
    try (Checkpoint f16 = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      assertThat(whole(f16, FAST).kvType()).isEqualTo(KvType.F32);
      assertThat(whole(Retyped.of(f16, DType.BF16), FAST).kvType()).isEqualTo(KvType.F32);
      assertThat(whole(Retyped.of(f16, DType.Q8_0), FAST).kvType()).isEqualTo(KvType.F16);
      assertThat(whole(Retyped.of(f16, DType.Q4_0), FAST).kvType()).isEqualTo(KvType.F16);
      for (KvType wanted : KvType.values()) {
        assertThat(whole(f16, FAST.withKvType(wanted)).kvType()).isEqualTo(wanted);
      }
    }
    assertThat(whole(LongContexts.superblocks(), FAST).kvType()).isEqualTo(KvType.F16);
    Checkpoint expanded = Retyped.withRandomBlocks(LongContexts.gpt2(), DType.Q5_0, 1);
    assertThat(expanded.defaultKvType()).isEqualTo(KvType.F32);
  }

  /** Caches hold whole panels of 16 positions; a stage's are rounded up to pages. */
  @Test
  void bytesOfCachesAreThoseOfTheirType() throws IOException {
    int positions = 64;
    try (Checkpoint model = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      ModelConfig c = model.config();
      for (KvType type : KvType.values()) {
        try (LocalChain chain = new LocalChain(model, FAST.withKvType(type))) {
          long rows = 2L * c.nLayers() * c.nKvHeads() * positions;
          assertThat(chain.whole().kvBytes(positions))
              .isBetween(
                  rows * type.rowBytes(c.headDim()), rows * type.rowBytes(c.headDim()) + 65536);
        }
      }
    }
  }

  @Test
  void theBlasIsNamedWhereItDecidesBits() throws IOException {
    try (Checkpoint f32 = Checkpoints.open("stories260K", Optional.empty());
        LocalChain chain = new LocalChain(f32, FAST)) {
      LocalStage blocks = chain.stage(Span.layers(0, 1));
      assertThat(blocks.profile().promptKernels()).containsExactly(PromptKernel.SGEMM);
      assertThat(blocks.profile().blas()).startsWith("OpenBLAS");
      int nLayers = f32.config().nLayers();
      assertRowExact(chain.stage(Span.head(nLayers)).profile());
      assertRowExact(whole(f32, REPRODUCIBLE));
      for (DType type : new DType[] {DType.F16, DType.Q8_0, DType.Q4_0}) {
        assertRowExact(whole(Retyped.of(f32, type), FAST));
      }
      ArithmeticProfile bf16 = whole(Retyped.of(f32, DType.BF16), FAST);
      assertThat(bf16.promptKernels()).isSubsetOf(PromptKernel.VDPBF16PS);
      assertThat(bf16.blas()).isEmpty();
    }
  }

  /** A closed stage can load nothing any more. */
  @Test
  void aProfileIsMadeWhenItsStageIsOpened() throws IOException {
    try (Checkpoint f32 = Checkpoints.open("stories260K", Optional.empty());
        LocalChain chain = new LocalChain(f32, FAST)) {
      LocalStage stage = chain.whole();
      ArithmeticProfile profile = stage.profile();
      stage.close();
      assertThat(stage.profile()).isSameAs(profile);
      assertThat(profile.blas()).startsWith("OpenBLAS");
    }
  }

  private static void assertRowExact(ArithmeticProfile profile) {
    assertThat(profile.promptKernels()).isEmpty();
    assertThat(profile.blas()).isEmpty();
  }

  @Test
  void machinesMustComputePromptsAlikeWhereTheirTypesMeet() {
    ArithmeticProfile f32 = fast(BLAS, Set.of(PromptKernel.SGEMM), DType.F32);
    assertAlike(f32, f32);
    assertDiffers(f32, fast(OTHER_BLAS, Set.of(PromptKernel.SGEMM), DType.F32), OTHER_BLAS);
    assertAlike(f32, fast("", Set.of(), DType.Q8_0));
    assertAlike(fast("", Set.of(), DType.F16), f32);
    ArithmeticProfile products = fast("", Set.of(PromptKernel.VDPBF16PS), DType.BF16);
    assertAlike(products, products);
    assertDiffers(products, fast("", Set.of(), DType.BF16), "prompt kernels none, here vdpbf16ps");
    assertDiffers(fast("", Set.of(), DType.BF16), products, "prompt kernels vdpbf16ps, here none");
    assertAlike(products, fast("", Set.of(), DType.F16));
  }

  private static ArithmeticProfile fast(String blas, Set<PromptKernel> kernels, DType type) {
    return new ArithmeticProfile(
        "",
        Set.of(type),
        ActivationEval.TABLE,
        KvType.F32,
        ArithmeticMode.FAST,
        256,
        kernels,
        blas);
  }

  private static void assertAlike(ArithmeticProfile here, ArithmeticProfile served) {
    assertThatCode(() -> SplitRuntime.checkPromptKernels(here, served)).doesNotThrowAnyException();
  }

  private static void assertDiffers(
      ArithmeticProfile here, ArithmeticProfile served, String servedBy) {
    assertThatThrownBy(() -> SplitRuntime.checkPromptKernels(here, served))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("the server computes differently")
        .hasMessageContaining(servedBy);
  }
}
