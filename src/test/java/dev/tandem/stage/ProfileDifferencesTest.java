package dev.tandem.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileDifference.Field;
import dev.tandem.tensor.DType;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProfileDifferencesTest {
  private static final ArithmeticProfile F32 =
      with(Set.of(DType.F32), Set.of(PromptKernel.SGEMM), "OpenBLAS 1", 256);

  @Test
  void equalProfilesDoNotDiffer() {
    assertThat(F32.differences(F32)).isEmpty();
  }

  /** A profile that differs in everything gives every field, with both values. */
  @Test
  void everyFieldIsCompared() {
    ArithmeticProfile other =
        new ArithmeticProfile(
            "bb",
            Set.of(DType.BF16),
            ActivationEval.FORMULA,
            KvType.F16,
            ArithmeticMode.REPRODUCIBLE,
            16,
            Set.of(),
            "");
    List<ProfileDifference> found = F32.differences(other);
    assertThat(found).extracting(ProfileDifference::field).containsExactly(Field.values());
    assertThat(found).hasSize(ArithmeticProfile.class.getRecordComponents().length);
    assertThat(found.get(0)).isEqualTo(new ProfileDifference(Field.MODEL, "aa", "bb", true));
    assertThat(found.get(5)).isEqualTo(new ProfileDifference(Field.CHUNK_ROWS, 256, 16, true));
    assertThat(other.differences(F32))
        .containsExactlyElementsOf(
            found.stream()
                .map(d -> new ProfileDifference(d.field(), d.there(), d.here(), d.bitsCanDiffer()))
                .toList());
  }

  @Test
  void bitsDifferOnlyWhereTheTypesMeet() {
    ArithmeticProfile q8 = with(Set.of(DType.Q8_0), Set.of(), "", 256);
    assertThat(bits(F32, q8)).isEmpty();
    assertThat(bits(F32, with(Set.of(DType.F32), Set.of(PromptKernel.SGEMM), "OpenBLAS 2", 256)))
        .containsExactly(Field.BLAS);
    ArithmeticProfile products = with(Set.of(DType.BF16), Set.of(PromptKernel.VDPBF16PS), "", 256);
    assertThat(bits(products, with(Set.of(DType.BF16), Set.of(), "", 256)))
        .containsExactly(Field.PROMPT_KERNELS);
    assertThat(bits(products, q8)).isEmpty();
    assertThat(bits(q8, with(Set.of(DType.Q8_0), Set.of(), "", 16))).isEmpty();
    assertThat(bits(F32, with(Set.of(DType.F32), Set.of(PromptKernel.SGEMM), "OpenBLAS 1", 16)))
        .containsExactly(Field.CHUNK_ROWS);
  }

  private static EnumSet<Field> bits(ArithmeticProfile a, ArithmeticProfile b) {
    EnumSet<Field> fields = EnumSet.noneOf(Field.class);
    a.differences(b).stream()
        .filter(ProfileDifference::bitsCanDiffer)
        .forEach(d -> fields.add(d.field()));
    return fields;
  }

  private static ArithmeticProfile with(
      Set<DType> types, Set<PromptKernel> kernels, String blas, int chunkRows) {
    return new ArithmeticProfile(
        "aa",
        types,
        ActivationEval.TABLE,
        KvType.F32,
        ArithmeticMode.FAST,
        chunkRows,
        kernels,
        blas);
  }
}
