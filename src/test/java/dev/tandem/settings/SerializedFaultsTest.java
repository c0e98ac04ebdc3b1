package dev.tandem.settings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.ProfileDifference.Field;
import dev.tandem.tensor.DType;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A fault that another process wrote still says what it was and what would mend it. */
class SerializedFaultsTest {

  private static <T> T copied(T value, Class<T> type) throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(value);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return type.cast(in.readObject());
    }
  }

  @Test
  void remediesStay() throws IOException, ClassNotFoundException {
    ModelFormatException fault =
        new ModelFormatException("x.gguf", "n_head", "8", "7", Remedy.config("n_head", "8"));
    ModelFormatException copy = copied(fault, ModelFormatException.class);
    assertThat(copy).hasMessage("x.gguf: n_head: expected 8, got 7; set config n_head=8");
    assertThat(copy.remedies()).isEqualTo(fault.remedies());
  }

  @Test
  void differencesStay() throws IOException, ClassNotFoundException {
    List<ProfileDifference> differences =
        List.of(
            new ProfileDifference(Field.MODE, ArithmeticMode.FAST, ArithmeticMode.JAVA, true),
            new ProfileDifference(
                Field.MATRIX_TYPES, EnumSet.of(DType.F32), EnumSet.of(DType.F16), false));
    ProfileException fault = new ProfileException("the server", differences);
    ProfileException copy = copied(fault, ProfileException.class);
    assertThat(copy).hasMessage(fault.getMessage());
    assertThat(copy.differences()).isEqualTo(differences);
  }
}
